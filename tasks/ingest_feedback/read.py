"""Rows of the store's table `feedback` as Arrow, by row number, in constant memory."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tasks.live_store import fetch, is_sqlite
from tasks.ranges import Range, windows
from tasks.records import FEEDBACK

SEQ = "seq"
_NULLABLE = [field.name for field in FEEDBACK if field.nullable]
_TIMES = ["received_at", "predicted_at"]
_COLUMNS = pa.schema([pa.field(SEQ, pa.int64(), nullable=False), *FEEDBACK])
_NULLS = "nulls"  # one bit for each column that may be null


def read(store: Any, ranges: Sequence[Range], width: int) -> Iterator[pa.Table]:
    """All rows in the ranges in order, columns `seq` and FEEDBACK; at most `width` in each table.

    The next table is on its way while the caller works on one. No transaction outlives a table.
    """
    with_nulls = is_sqlite(store)
    query = _make_query(with_nulls)

    def fetch_window(window: Range) -> pa.Table:
        rows = fetch(store, query.format(*window))
        return _mend(rows) if with_nulls else rows.cast(_COLUMNS)

    with ThreadPoolExecutor(1) as pool:
        coming = None
        for window in windows(ranges, width):
            current, coming = coming, pool.submit(fetch_window, window)
            if current and len(table := current.result()):
                yield table
        if coming and len(table := coming.result()):
            yield table


def _make_query(with_nulls: bool) -> str:
    """With nulls told apart by a number of their own: see live_store.fetch."""
    names = [SEQ, *FEEDBACK.names]
    if with_nulls:
        bits = " + ".join(f"({name} IS NULL) * {1 << bit}" for bit, name in enumerate(_NULLABLE))
        names = [f"ifnull({name}, '') AS {name}" if name in _NULLABLE else name for name in names]
        names.append(f"{bits} AS {_NULLS}")
    return f"SELECT {', '.join(names)} FROM feedback WHERE seq BETWEEN {{}} AND {{}} ORDER BY seq"


def _mend(rows: pa.Table) -> pa.Table:
    """Nulls and times, which SQLite keeps as text without an offset."""
    if not len(rows):
        return _COLUMNS.empty_table()
    columns = {name: rows[name] for name in _COLUMNS.names}
    for bit, name in enumerate(_NULLABLE):
        is_null = pc.not_equal(pc.bit_wise_and(rows[_NULLS], 1 << bit), 0)
        if pc.any(is_null).as_py():
            columns[name] = pc.if_else(is_null, pa.scalar(None, pa.string()), columns[name])
    for name in _TIMES:
        columns[name] = columns[name].cast(pa.timestamp("us"))
    return pa.table(columns).cast(_COLUMNS)
