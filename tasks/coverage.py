"""Which rows of the service's store the partitions answer for, and which they do not."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.errors import InputError
from tasks.feedback import Partition
from tasks.live_store import fetch
from tasks.ranges import Range, clip, gaps, merge

_CHUNK = 500  # row numbers of one question


class Uncovered(NamedTuple):
    """What no partition answers for."""

    ranges: list[Range]  # rows between those that are covered, and behind them
    known_ids: pa.Array  # events to leave out, since a partition has them from other rows


def find_uncovered(store: Any, partitions: Sequence[Partition]) -> Uncovered:
    """Of rows that could be seen when it was called."""
    doubtful = _find_doubtful(store, partitions)
    covered = merge(_find_covered([one for one in partitions if one not in doubtful]))
    last = fetch(store, "SELECT coalesce(max(seq), 0) AS last FROM feedback")["last"][0].as_py()
    chunks = [chunk for one in doubtful for chunk in event_ids(one).chunks]
    return Uncovered(gaps(covered, last), pc.unique(pa.chunked_array(chunks, pa.string())))


def event_ids(partition: Partition) -> pa.ChunkedArray:
    """InputError where the file is gone, by hand or in the midst of a move."""
    try:
        return pq.read_table(partition.file, columns=["event_id"])["event_id"]
    except FileNotFoundError:
        raise InputError(
            f"{partition.file}: missing. Run again; if it stays away, restore it: dvc checkout "
            f"{partition.file.parent}."
        ) from None


def leave_out(rows: pa.Table, known_ids: pa.Array | pa.ChunkedArray) -> pa.Table:
    """Rows whose event is not among these."""
    return rows.filter(pc.invert(pc.is_in(rows["event_id"], known_ids))) if known_ids else rows


def _find_covered(partitions: Iterable[Partition]) -> Iterator[Range]:
    """One that had to forget all of its events has no row to know the store by; others vouch."""
    manifests = [one.manifest for one in partitions]
    known = max((one.anchor[0] for one in manifests if one.anchor), default=0)
    for one in manifests:
        yield from one.seqs if one.anchor else clip(one.seqs, 1, known)


def _find_doubtful(store: Any, partitions: Sequence[Partition]) -> list[Partition]:
    """Partitions whose last row is no longer there, or is another event's.

    The store was put back to an earlier state, or is another one: numbers say nothing then, so
    such partitions cover none, and their events are known by their ids alone.
    """
    anchors = dict(one.manifest.anchor for one in partitions if one.manifest.anchor)
    seqs = sorted(anchors)
    found: dict[int, str] = {}
    for start in range(0, len(seqs), _CHUNK):
        chosen = ", ".join(map(str, seqs[start : start + _CHUNK]))
        rows = fetch(store, f"SELECT seq, event_id FROM feedback WHERE seq IN ({chosen})")
        found.update(zip(rows["seq"].to_pylist(), rows["event_id"].to_pylist(), strict=True))
    return [
        one for one in partitions
        if (anchor := one.manifest.anchor) and found.get(anchor[0]) != anchor[1]
    ]  # fmt: skip
