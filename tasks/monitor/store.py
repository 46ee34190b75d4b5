"""What a look reads of the service's store: rows of the windows alone, with their corrections."""

import datetime
from collections.abc import Iterator
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tasks.monitor.windows import Window
from tasks.ranges import Range

_TABLES = ("predictions", "feedback")
# In no statement a null: from a column of nulls ADBC's SQLite driver makes one of numbers. What
# answers counts; a shadow answers nobody.
_PREDICTIONS = """
SELECT prediction_id, COALESCE(client, '') AS client, model_version, label,
       COALESCE(text, '') AS text, CAST(probabilities AS TEXT) AS probabilities, latency_ms
FROM predictions
WHERE created_at >= {0} AND created_at < {1} AND role IN ('live', 'canary')"""
_CORRECTIONS = """
SELECT p.prediction_id, p.created_at, COALESCE(p.client, '') AS client, p.model_version,
       p.label AS predicted, COALESCE(p.text, '') AS text, f.seq, f.event_id, f.received_at,
       COALESCE(f.client, '') AS rater_client, COALESCE(f.rater, '') AS rater, f.label
FROM predictions p JOIN feedback f ON f.prediction_id = p.prediction_id
WHERE p.created_at >= {0} AND p.created_at < {1} AND p.role IN ('live', 'canary')"""
_SINCE = """
SELECT COUNT(*) AS number FROM predictions
WHERE created_at >= {0} AND created_at < {1} AND role IN ('live', 'canary') AND model_version = {2}
"""
_EVENTS = "SELECT event_id FROM feedback WHERE seq BETWEEN {0} AND {1}"
_KNOWN = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
    "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = ANY (current_schemas(false))",
}


class Store(NamedTuple):
    """An open connection and the SQL it speaks."""

    connection: Any
    dialect: str

    def is_made(self) -> bool:
        """Whether the service has made its tables yet."""
        with self.connection.cursor() as cursor:
            cursor.execute(_KNOWN[self.dialect])
            names = {name for (name,) in cursor.fetchall()}
        return names.issuperset(_TABLES)

    def predictions(self, window: Window) -> Iterator[pa.Table]:
        """In pieces, so that a busy window need not fit into memory."""
        return self._read(_PREDICTIONS, *window)

    def corrections(self, window: Window) -> pa.Table | None:
        """Of predictions made within the window, whenever they were corrected; None: there are
        none."""
        tables = list(self._read(_CORRECTIONS, *window))
        if not tables:
            return None
        table = pa.concat_tables(tables)
        for name in ("created_at", "received_at"):
            table = table.set_column(table.column_names.index(name), name, _as_moments(table[name]))
        return table

    def count_since(self, window: Window, version: str) -> int:
        (table,) = self._read(_SINCE, *window, version)
        return int(table["number"][0].as_py())

    def events(self, rows: Range) -> Iterator[pa.Table]:
        """Ids of the feedback with these row numbers."""
        return self._read(_EVENTS, *rows)

    def _read(self, statement: str, *values: Any) -> Iterator[pa.Table]:
        marks = [f"${i}" if self.dialect == "postgresql" else "?" for i in range(1, 4)]
        with self.connection.cursor() as cursor:
            cursor.execute(statement.format(*marks), [self._bound(value) for value in values])
            for batch in cursor.fetch_record_batch():
                if batch.num_rows:
                    yield pa.Table.from_batches([batch])

    def _bound(self, value: Any) -> Any:
        """SQLite keeps a moment as text, in UTC, as SQLAlchemy writes it."""
        if not isinstance(value, datetime.datetime):
            return value
        moment = value.astimezone(datetime.UTC)
        return moment.strftime("%F %T.%f") if self.dialect == "sqlite" else moment


def _as_moments(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_string(column.type):
        return pc.assume_timezone(column.cast(pa.timestamp("us")), "UTC")
    return column.cast(pa.timestamp("us", "UTC"))
