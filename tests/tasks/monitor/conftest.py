"""The live side with an empty store, on both databases."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres import Database, serve_database
from tests.tasks.monitor.live_side import LiveSide


@pytest.fixture(scope="session")
def database() -> Iterator[Database]:
    with serve_database() as made:
        yield made


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def url(request: pytest.FixtureRequest) -> str:
    """The address of an empty database, as section serving has it."""
    if request.param == "sqlite":
        return "sqlite:///live/store.db"
    database: Database = request.getfixturevalue("database")
    name = f"store_{uuid.uuid4().hex}"
    database.ask(f"create database {name}")
    return database.url_for("psycopg", name)


@pytest.fixture
def live_side(
    url: str, tmp_path: Path, packaged: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LiveSide]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLYWHEEL_STORE", url)
    made = LiveSide(tmp_path, packaged / "package/bundle", url)
    try:
        yield made
    finally:
        made.engine.dispose()
