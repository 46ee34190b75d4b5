"""Texts that stand in a user's own files: nobody's trace, and not ours to take out."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.forget.search import holds, is_parquet
from tasks.forget.traces import Traces
from tasks.records import is_feedback

_COLUMNS = ["text", "origin"]


class Own(NamedTuple):
    text: str
    place: str  # file, or file:line


def find_own(inputs: Iterable[Path], made: Iterable[Path], texts: frozenset[str]) -> list[Own]:
    """By the files themselves, and by tables made of them, which say where each row is from: there
    a text is in its normal form, and known though it is short."""
    if not texts:
        return []
    found = [
        Own(text, str(file))
        for file in inputs if holds(file, Traces(texts=texts))
        for text in sorted(texts) if holds(file, Traces(texts=frozenset([text])))
    ]  # fmt: skip
    wanted = pa.array(sorted(texts), pa.string())
    return [*found, *(own for file in made if is_parquet(file) for own in _by_origin(file, wanted))]


def _by_origin(file: Path, texts: pa.Array) -> Iterator[Own]:
    with pq.ParquetFile(file) as parquet:
        if not set(_COLUMNS) <= set(parquet.schema_arrow.names):
            return
        for batch in parquet.iter_batches(columns=_COLUMNS):
            rows = pa.Table.from_batches([batch])
            rows = rows.filter(pc.is_in(rows["text"], texts))
            for row in rows.filter(pc.invert(is_feedback(rows))).to_pylist():
                yield Own(row["text"], row["origin"])
