"""The store's database: where it lies, how it is opened, and what is said when that fails."""

import contextlib
import json
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from serving.params import PredictionLogParams
from serving.store.problems import name_of
from tasks.errors import InputError

_BUSY_SECONDS = 5.0  # that a statement waits for another writer of the same SQLite file
_POSTGRESQL = {
    "connect_timeout": 5,
    "keepalives_idle": 20,  # seconds of silence after which a server is asked whether it is there
    "tcp_user_timeout": 20_000,  # ms that sent data may stay unconfirmed
    "application_name": "flywheel",
}
# In each transaction, so that a pooler between us does not lose it: seconds that a statement waits
# for a table that somebody has locked, and that it may take in all.
_BOUNDS = (
    "SELECT set_config('lock_timeout', '3s', true), set_config('statement_timeout', '20s', true)"
)
_WRITE = "flywheel_write"  # execution option: the transaction is going to write
_MIGRATION = "flywheel_migration"  # execution option: no bounds of time
_FILE = "flywheel_file"  # of a pooled connection: its file, and which one that was
Identity = tuple[int, int]


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

    A file of SQLite is made then where it is missing, for its owner alone. InputError, without any
    password, when the address is none.
    """
    address = _parse(url)
    if address.get_backend_name() == "sqlite":
        return _open_sqlite(address)
    engine = _create_engine(address.set(drivername="postgresql+psycopg"), _POSTGRESQL)
    event.listen(engine, "begin", _bound)
    return engine


def identity_of(engine: Engine) -> Identity | None:
    """Which file of SQLite lies at the address: another one has another; None: no file."""
    is_file = engine.dialect.name == "sqlite"
    return _identity_of(Path(str(engine.url.database))) if is_file else None


@contextlib.contextmanager
def writing(engine: Engine, is_migration: bool = False) -> Iterator[Connection]:
    """A transaction that holds SQLite's only write lock from its beginning.

    In PostgreSQL a migration waits for locks, and works, for as long as that takes.
    """
    options = {_WRITE: True, _MIGRATION: is_migration}
    with engine.connect().execution_options(**options) as connection, connection.begin():
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
    engine = _create_engine(address, {"timeout": _BUSY_SECONDS})
    with contextlib.suppress(OSError):  # the first use says it, and that may be later
        _make_folder(Path(str(address.database)))
    event.listen(engine, "do_connect", _make_private)
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "checkout", _refuse_another_file)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "handle_error", _give_up_connection)
    return engine


def _make_folder(file: Path) -> None:
    for folder in reversed(file.parents):
        if not folder.exists():
            folder.mkdir(mode=0o700, exist_ok=True)


def _make_private(_: object, record: Any, address: Sequence[str], __: object) -> None:
    """SQLite gives the file's mode to its log and its index, too."""
    file = Path(address[0])
    with contextlib.suppress(FileExistsError):
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    if file.stat().st_uid == os.geteuid() and file.stat().st_mode & 0o077:
        file.chmod(0o600)
    record.info[_FILE] = file, _identity_of(file)


def _refuse_another_file(_: object, record: ConnectionPoolEntry, __: object) -> None:
    """A connection writes on into a file that was moved away; the pool then opens what is there."""
    file, identity = record.info[_FILE]
    if _identity_of(file) != identity:
        raise DisconnectionError


def _give_up_connection(context: ExceptionContext) -> None:
    """One opened while the file was read-only stays so, whatever becomes of the file."""
    code = getattr(context.original_exception, "sqlite_errorname", "")
    if code.startswith(("SQLITE_READONLY", "SQLITE_IOERR")):
        context.is_disconnect = True


def _identity_of(file: Path) -> Identity | None:
    with contextlib.suppress(OSError):
        status = file.stat()
        return status.st_dev, status.st_ino
    return None


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


def _bound(connection: Connection) -> None:
    options: Any = connection.get_execution_options()
    if not options.get(_MIGRATION):
        connection.exec_driver_sql(_BOUNDS)
