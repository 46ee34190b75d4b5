"""The store's database: where it lies, how it is opened, and what is said when that fails."""

import contextlib
import json
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from serving.params import PredictionLogParams
from serving.store.problems import explaining, name_of
from tasks.errors import InputError

_BUSY_SECONDS = 5.0  # that a statement waits for another writer of the same SQLite file
_POSTGRESQL = {
    "connect_timeout": 5,
    "keepalives_idle": 20,  # seconds of silence after which a server is asked whether it is there
    "tcp_user_timeout": 20_000,  # ms that sent data may stay unconfirmed
    "application_name": "flywheel",
}
_WRITE = "flywheel_write"  # execution option: the transaction is going to write


def store_url(params: PredictionLogParams) -> str:
    """The whole address, password included: for `open_engine` alone, never to be shown."""
    if address := os.environ.get(params.url_from):
        return address
    if _parse(params.url).password:
        raise InputError(
            "serving.prediction_log.url holds a password. Params are kept in git: set the whole "
            f"address in the environment variable {params.url_from}, and take it out of there."
        )
    return params.url


def open_engine(url: str) -> Engine:
    """An engine on the store's database, which is reached at the first use.

    A file of SQLite is made where it is missing, for its owner alone. InputError, without any
    password, when the address is none.
    """
    address = _parse(url)
    if address.get_backend_name() == "sqlite":
        return _open_sqlite(address)
    address = address.set(drivername="postgresql+psycopg")
    return _create_engine(address, _POSTGRESQL)


@contextlib.contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that holds SQLite's only write lock from its beginning."""
    with engine.connect().execution_options(**{_WRITE: True}) as connection, connection.begin():
        yield connection


def _parse(url: str) -> URL:
    try:
        address = make_url(url)
        backend = address.get_backend_name()
    except (ArgumentError, ValueError):  # their messages may hold the address
        address, backend = URL.create("none"), ""
    if backend not in ("sqlite", "postgresql") or "@" in (address.host or ""):
        raise InputError(
            "the store's address is none: expected sqlite:///FILE or "
            "postgresql+psycopg://USER:PASSWORD@HOST/NAME, with each of @ : / in a password "
            "written as %40 %3A %2F. Correct it in serving.prediction_log or in the environment."
        )
    return address


def _create_engine(address: URL, options: Mapping[str, Any]) -> Engine:
    return create_engine(
        address,
        connect_args=dict(options),
        hide_parameters=True,  # an error names no value: texts are no one else's business
        json_serializer=partial(json.dumps, allow_nan=False),  # PostgreSQL takes no NaN either
        pool_pre_ping=True,  # a server that was restarted costs nobody an error
    )


def _open_sqlite(address: URL) -> Engine:
    if address.database in (None, "", ":memory:") or address.query:
        raise InputError(
            f"{name_of(address)}: expected sqlite:///FILE and nothing else: predictions that live "
            "in memory are lost. Correct serving.prediction_log.url."
        )
    file = Path(str(address.database))
    engine = _create_engine(address, {"timeout": _BUSY_SECONDS})
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    with explaining(engine):
        _make_private(file)
    return engine


def _make_private(file: Path) -> None:
    """SQLite gives the file's mode to its log and its index, too."""
    for folder in reversed(file.parents):
        if not folder.exists():
            folder.mkdir(mode=0o700, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    if file.stat().st_uid == os.geteuid() and file.stat().st_mode & 0o077:
        file.chmod(0o600)


def _set_up(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # this module begins transactions, also around DDL
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")  # committed is on the disk
    deadline = time.monotonic() + _BUSY_SECONDS
    while connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:  # this one does not wait for others by itself
            if error.sqlite_errorname != "SQLITE_BUSY" or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _begin(connection: Connection) -> None:
    options: Any = connection.get_execution_options()
    connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get(_WRITE) else "BEGIN")
