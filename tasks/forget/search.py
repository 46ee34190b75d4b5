"""Whether a file holds a trace: any column of Parquet, the bytes of anything else."""

import mmap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.forget.traces import Traces

_PARQUET = b"PAR1"
# Columns of words that many rows share: that somebody's text is one of them says nothing.
_SHARED_WORDS = frozenset(
    ["label", "predicted", "suggested", "votes", "source", "rule", "model_version"]
)


def is_parquet(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(len(_PARQUET)) == _PARQUET


def find_holding(files: Iterable[Path], traces: Traces) -> list[Path]:
    return [file for file in files if holds(file, traces)]


def holds(file: Path, traces: Traces) -> bool:
    """One of its ids or longer texts anywhere, or one of its texts or names as a whole cell."""
    tokens = traces.tokens()
    with file.open("rb") as stream:
        if not file.stat().st_size:
            return False
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            if content[:4] != _PARQUET:
                return any(content.find(token) >= 0 for token in tokens)
    names = pa.array(sorted(traces.names), pa.string())
    cells = pa.array(sorted(traces.names | traces.texts), pa.string())
    with pq.ParquetFile(file) as parquet:
        return any(
            _is_in(column, tokens, cells if may_hold_texts(name) else names)
            for batch in parquet.iter_batches()
            for name, column in string_columns(batch)
        )


def may_hold_texts(name: str) -> bool:
    """As whole cells; of a column that nobody knows, too."""
    return name not in _SHARED_WORDS


def string_columns(batch: pa.RecordBatch) -> Iterator[tuple[str, Any]]:
    """By name; lists of texts as the texts in them."""
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        values = column.flatten() if pa.types.is_list(column.type) else column
        if pa.types.is_large_string(values.type) or pa.types.is_string(values.type):
            yield name, values.cast(pa.string())


def content_of(column: Any) -> bytes:
    """All cells, divided by what no text holds."""
    cells = pa.ListArray.from_arrays([0, len(column)], column.fill_null(""))
    return bytes(pc.binary_join(cells, "\0")[0].as_buffer().to_pybytes())


def _is_in(column: Any, tokens: list[bytes], cells: pa.Array) -> bool:
    if pc.any(pc.is_in(column, cells)).as_py():
        return True
    content = content_of(column)
    return any(token in content for token in tokens)
