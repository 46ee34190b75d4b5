"""The service's store without what is to be forgotten: rows, and what a database keeps of them."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlalchemy import (
    Connection,
    Engine,
    TextClause,
    bindparam,
    create_engine,
    inspect,
    make_url,
    text,
)
from sqlalchemy.exc import DBAPIError

from tasks.errors import TemporaryError
from tasks.live_store import dialect_of, explain, make_store_url

_BUSY_SECONDS = 30.0
_COLUMNS = ["event_id", "prediction_id", "client", "rater", "text"]
_FEEDBACK = pa.schema([(name, pa.string()) for name in _COLUMNS])
_CHUNK = 500
_BATCH = 10_000  # rows in memory at once
_SAID = {  # where anybody's words are
    "feedback": ["prediction_id", "label", "text", "comment"],
    "predictions": ["prediction_id", "label", "text"],
}


@contextlib.contextmanager
def open_engine() -> Iterator[Engine | None]:
    """None where there is no store; TemporaryError, which shows no value, while it is away."""
    address = make_store_url()
    url, is_sqlite = make_url(address), dialect_of(address) == "sqlite"
    if is_sqlite and not Path(str(url.database)).is_file():
        yield None
        return
    url = url if is_sqlite else url.set(drivername="postgresql+psycopg")
    options: dict[str, Any] = {"timeout": _BUSY_SECONDS} if is_sqlite else {}
    engine = create_engine(url, connect_args=options, hide_parameters=True)
    try:
        yield engine
    except DBAPIError as error:
        raise explain(address, str(error.orig)) from None
    finally:
        engine.dispose()


def read_feedback(connection: Connection, where: str, values: Sequence[str]) -> pa.Table:
    """Rows of which a column (`rater`, `prediction_id`) has one of these values."""
    rows: list[dict[str, Any]] = []
    if _has(connection, "feedback"):
        query = _asking(f"SELECT {', '.join(_COLUMNS)} FROM feedback WHERE {where} IN :ids")
        for chunk in _chunks(values):
            rows += [dict(row) for row in connection.execute(query, {"ids": chunk}).mappings()]
    return pa.Table.from_pylist(rows, _FEEDBACK)


def read_predictions(
    connection: Connection, prediction_ids: Sequence[str]
) -> list[tuple[str, str | None]]:
    """Id and text, as it was sent."""
    query = _asking("SELECT prediction_id, text FROM predictions WHERE prediction_id IN :ids")
    return [
        (row.prediction_id, row.text)
        for chunk in _chunks(prediction_ids)
        for row in connection.execute(query, {"ids": chunk})
    ]


def read_said(connection: Connection) -> Iterator[pa.Table]:
    """All that anybody said, some rows at a time."""
    for table, columns in _SAID.items():
        if not _has(connection, table):
            continue
        schema = pa.schema([(name, pa.string()) for name in columns])
        query = text(f"SELECT {', '.join(columns)} FROM {table}")
        rows = connection.execute(query, execution_options={"yield_per": _BATCH})
        for chunk in rows.mappings().partitions(_BATCH):
            yield pa.Table.from_pylist([dict(row) for row in chunk], schema)


def read_anchor(connection: Connection, event_ids: Sequence[str]) -> tuple[int, str] | None:
    """The last row among these events."""
    query = _asking("SELECT seq, event_id FROM feedback WHERE event_id IN :ids")
    rows = [
        (row.seq, row.event_id)
        for chunk in _chunks(event_ids)
        for row in connection.execute(query, {"ids": chunk})
    ]
    return max(rows, default=None)


def erase(engine: Engine, prediction_ids: Sequence[str]) -> int:
    """Delete the predictions and all feedback on them; returns how many rows there were."""
    num_rows = 0
    with engine.begin() as connection:
        for table in ("feedback", "predictions"):
            if not _has(connection, table):
                continue
            query = _asking(f"DELETE FROM {table} WHERE prediction_id IN :ids")
            for chunk in _chunks(prediction_ids):
                num_rows += connection.execute(query, {"ids": chunk}).rowcount
    return num_rows


def scrub(engine: Engine) -> None:
    """Deleted rows leave the files: of SQLite also its free pages and its log."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if engine.dialect.name != "sqlite":
            connection.execute(text("VACUUM (FULL) predictions"))
            connection.execute(text("VACUUM (FULL) feedback"))
            return
        connection.execute(text("VACUUM"))
        busy, *_ = connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)")).one()
    if busy:
        raise TemporaryError(
            f"{engine.url.database}-wal: still read by the service, so deleted rows are in it. Run "
            "again."
        )


def files_of(engine: Engine) -> list[Path]:
    """Where deleted rows could be; none of a server's."""
    if engine.dialect.name != "sqlite":
        return []
    file = Path(str(engine.url.database))
    return [one for end in ("", "-wal") if (one := file.with_name(file.name + end)).is_file()]


def _asking(query: str) -> TextClause:
    return text(query).bindparams(bindparam("ids", expanding=True))


def _has(connection: Connection, table: str) -> bool:
    return inspect(connection).has_table(table)


def _chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]
