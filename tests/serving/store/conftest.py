"""The same tests on both databases: a file of SQLite, and a real PostgreSQL."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from serving.store.engine import open_engine
from serving.store.schema import upgrade
from tests.postgres import Database, serve_database


@pytest.fixture(scope="session")
def database() -> Iterator[Database]:
    with serve_database() as made:
        yield made


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/live/store.db"
    database: Database = request.getfixturevalue("database")
    name = f"store_{uuid.uuid4().hex}"
    database.ask(f"create database {name}")
    return database.url_for("psycopg", name)


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """On the empty database."""
    made = open_engine(url)
    yield made
    made.dispose()


@pytest.fixture
def store(engine: Engine) -> Engine:
    """With the tables."""
    upgrade(engine)
    return engine
