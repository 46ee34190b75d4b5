"""What others have said, too, is nobody's trace: theirs stays, and proves nothing."""

from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tasks.forget.search import content_of, may_hold_texts, string_columns
from tasks.forget.traces import Traces, find_events, spellings

_BATCH = 65_536  # rows


def rows_of_others(tables: Iterable[pa.Table], traces: Traces) -> Iterator[pa.Table]:
    for table in tables:
        yield table.filter(pc.invert(find_events(table, set(traces.prediction_ids))))


def leave_others(traces: Traces, tables: Iterable[pa.Table]) -> Traces:
    """By tables of what others said: a text that is a cell of theirs is no trace, and one that
    stands within a cell is looked for as a whole cell alone.

    It sees what `holds` would: a partition that keeps only these rows holds nothing afterwards.
    """
    if not traces.texts:
        return traces
    cells, equal = pa.array(sorted(traces.texts), pa.string()), set[str]()
    for table in tables:
        for name, column in _columns_of(table):
            traces = traces._replace(within=traces.within.union(_within(column, traces)))
            if may_hold_texts(name):
                equal |= set(column.filter(pc.is_in(column, cells)).to_pylist())
    return traces._replace(texts=traces.texts - equal, within=traces.within - equal)


def _within(column: Any, traces: Traces) -> Iterator[str]:
    content = content_of(column)
    for text in traces.long_texts():
        if any(token in content for token in spellings(text)):
            yield text


def _columns_of(table: pa.Table) -> Iterator[tuple[str, Any]]:
    for batch in table.to_batches(_BATCH):
        yield from string_columns(batch)
