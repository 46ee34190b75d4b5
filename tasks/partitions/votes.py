"""How much partitions can teach: a person's word on a text counts once, however often sent."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.errors import InputError
from tasks.feedback import Partition, raters_of

_COLUMNS = ["text", "client", "rater"]


def count_votes(partitions: Iterable[Partition]) -> int:
    """Texts by each person, as stage aggregate takes them; what has no text teaches nothing.

    Eight bytes an event in memory.
    """
    pairs = [np.zeros(0, dtype=np.int64), *map(_pairs_of, partitions)]
    return len(np.unique(np.concatenate(pairs)))


def _pairs_of(partition: Partition) -> npt.NDArray[np.int64]:
    """A hash of each; of two different ones the same is as good as impossible."""
    events = _read(partition)
    events = events.filter(pc.is_valid(events["text"]))
    pairs = zip(events["text"].to_pylist(), raters_of(events).to_pylist(), strict=True)
    return np.unique(np.fromiter(map(hash, pairs), np.int64, count=events.num_rows))


def _read(partition: Partition) -> pa.Table:
    try:
        return pq.read_table(partition.file, columns=_COLUMNS)
    except FileNotFoundError:
        raise InputError(
            f"{partition.file}: missing. Restore it: dvc checkout {partition.file.parent}."
        ) from None
