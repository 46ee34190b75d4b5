"""A store of its own for a test: SQLite, up to date, closed at the end."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Engine

from serving.store.engine import open_engine
from serving.store.schema import upgrade


@contextlib.contextmanager
def open_store(folder: Path) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{folder}/store.db")
    try:
        upgrade(engine)
        yield engine
    finally:
        engine.dispose()
