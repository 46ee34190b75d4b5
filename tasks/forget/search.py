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
    cells = traces.cells()
    return any(_is_in(column, tokens, cells) for column in _string_columns(file))


def _is_in(column: Any, tokens: list[bytes], cells: pa.Array) -> bool:
    if pc.any(pc.is_in(column, cells)).as_py():
        return True
    content = pc.binary_join(pa.ListArray.from_arrays([0, len(column)], column.fill_null("")), " ")
    return any(token in content[0].as_buffer().to_pybytes() for token in tokens)


def _string_columns(file: Path) -> Iterator[Any]:
    """Lists of texts as the texts in them; a row group at a time."""
    parquet = pq.ParquetFile(file)
    with parquet:
        for batch in parquet.iter_batches():
            for column in batch.columns:
                values = column.flatten() if pa.types.is_list(column.type) else column
                if pa.types.is_string(values.type):
                    yield values
