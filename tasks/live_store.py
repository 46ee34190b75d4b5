"""The service's store, read in bulk as Arrow; the service alone writes it."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from adbc_driver_manager import Error as AdbcError
from pydantic import ConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from tasks.errors import FlywheelError, InputError, TemporaryError
from tasks.params import Params, load_params

_SQLITE = {"adbc.sqlite.query.batch_rows": "65536"}
_POSTGRESQL = {"adbc.postgresql.batch_size_hint_bytes": "268435456"}  # one batch, as a rule
_DAMAGED = ("malformed", "not a database")  # as SQLite says it


class NoStore(InputError):
    """The service has never run: there is nothing to read yet."""


class _PredictionLog(Params):
    model_config = ConfigDict(extra="ignore")

    url: str
    url_from: str


class _Serving(Params):
    model_config = ConfigDict(extra="ignore")

    prediction_log: _PredictionLog


@contextlib.contextmanager
def open_store() -> Iterator[Any]:
    """A connection of ADBC's DBAPI that only reads; `dialect_of` says which SQL it speaks.

    TemporaryError while the store is away, InputError where there is none; never with a password.
    """
    url = make_store_url()
    connect = _connect_sqlite if dialect_of(url) == "sqlite" else _connect_postgresql
    with explaining(url), connect(url) as connection:
        yield connection


def has_store() -> bool:
    """False where a file is named that nobody has made yet; a server is asked by opening it."""
    url = make_store_url()
    return dialect_of(url) != "sqlite" or Path(str(make_url(url).database)).is_file()


def make_store_url() -> str:
    """As the service has it: of params, or of the environment variable that they name."""
    log = load_params("serving", _Serving).prediction_log
    return os.environ.get(log.url_from) or log.url


def dialect_of(url: str) -> str:
    try:
        return make_url(url).get_backend_name()
    except ArgumentError:
        raise InputError(
            "the store's address is none: expected sqlite:///FILE or postgresql+psycopg://... "
            "Correct it in serving.prediction_log or in the environment."
        ) from None


def is_sqlite(store: Any) -> bool:
    return bool(store.adbc_get_info()["vendor_name"] == "SQLite")


def has_table(store: Any, name: str) -> bool:
    """Whether the service has made it; a store may be older than the table."""
    in_sqlite = f"SELECT count(*) AS found FROM sqlite_master WHERE name = '{name}'"
    in_postgresql = f"SELECT count(to_regclass('{name}')) AS found"
    found = fetch(store, in_sqlite if is_sqlite(store) else in_postgresql)
    return bool(found["found"][0].as_py())


def fetch(store: Any, query: str) -> pa.Table:
    """The whole answer, in few large batches; of SQLite only columns without nulls.

    There ADBC takes a column's type from the first batch: of nulls alone it makes whole numbers,
    and cannot go on when a text comes.
    """
    with store.cursor() as cursor:
        cursor.adbc_statement.set_options(**(_SQLITE if is_sqlite(store) else _POSTGRESQL))
        cursor.execute(query)
        return cursor.fetch_arrow_table()


@contextlib.contextmanager
def explaining(url: str) -> Iterator[None]:
    """What ADBC raises, in one line that shows no password: TemporaryError.

    InputError for a file of SQLite that is damaged: trying again would not heal it.
    """
    try:
        yield
    except (AdbcError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # of another file; ADBC's, from the midst of an answer, have no number
        raise explain(url, str(error)) from None


def explain(url: str, said: str) -> FlywheelError:
    """What a driver said, in one line without a password: one can stand among the options, too."""
    address = make_url(url)
    name = address.set(query={}).render_as_string(hide_password=True)
    shown = " ".join(said.split())
    passwords = (address.password, *address.normalized_query.get("password", ()))
    for password in filter(None, passwords):
        shown = shown.replace(password, "***")
    if any(word in said for word in _DAMAGED):
        return InputError(f"{name}: damaged: {shown}. Put back a sound copy of it.")
    return TemporaryError(f"{name}: {shown}. See that the store is up, then try again.")


def _connect_sqlite(url: str) -> Any:
    from adbc_driver_sqlite import dbapi  # noqa: PLC0415 - either driver, not both

    file = Path(str(make_url(url).database)).absolute()
    if not file.is_file():
        raise NoStore(f"{file}: no such store. `make serve` makes it; see serving.prediction_log.")
    return dbapi.connect(f"{file.as_uri()}?mode=ro")


def _connect_postgresql(url: str) -> Any:
    from adbc_driver_postgresql import dbapi  # noqa: PLC0415

    address = make_url(url).set(drivername="postgresql")
    return dbapi.connect(address.render_as_string(hide_password=False))
