"""What was ingested before: the rows that need not be read again, and whom to compare with."""

import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.feedback import Partition
from tasks.ingest_feedback.ranges import Range, clip, gaps, merge
from tasks.live_store import fetch, is_sqlite

_CHUNK = 500  # row numbers of one question
_POLL_SECONDS = 0.05
# Who may still commit a row whose number is below one that we have seen. A writer holds this lock
# from before it takes the number until after its commit can be seen.
_WRITERS = """
SELECT virtualtransaction AS writer FROM pg_locks
WHERE relation = to_regclass('feedback')::oid AND mode = 'RowExclusiveLock' AND granted
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class Question(NamedTuple):
    """What to read of the store."""

    ranges: list[Range]
    is_settled: bool  # rows that are missing in the ranges will not come any more
    known_ids: pa.Array  # events to leave out, since a partition has them from other rows


def ask(store: Any, partitions: Sequence[Partition], settle_seconds: float) -> Question:
    """All rows that no partition answers for: between those that are covered, and behind them."""
    doubtful = _find_doubtful(store, partitions)
    covered = merge(_find_covered([one for one in partitions if one not in doubtful]))
    last = fetch(store, "SELECT coalesce(max(seq), 0) AS last FROM feedback")["last"][0].as_py()
    is_settled = is_sqlite(store) or _wait_for_writers(store, settle_seconds)
    return Question(gaps(covered, last), is_settled, _read_ids(doubtful))


def _find_covered(partitions: Sequence[Partition]) -> Iterator[Range]:
    """One that had to forget all of its events has no row to know the store by; others vouch."""
    known = max((one.manifest.anchor[0] for one in partitions if one.manifest.anchor), default=0)
    for one in partitions:
        yield from one.manifest.seqs if one.manifest.anchor else clip(one.manifest.seqs, 1, known)


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


def _read_ids(partitions: Sequence[Partition]) -> pa.Array:
    ids = [pq.read_table(one.file, columns=["event_id"])["event_id"] for one in partitions]
    chunks = [chunk for column in ids for chunk in column.chunks]
    return pc.unique(pa.chunked_array(chunks, pa.string()))


def _wait_for_writers(store: Any, seconds: float) -> bool:
    """Whether all have ended that were writing when the last row number was asked for.

    A standby does not see them.
    """
    if fetch(store, "SELECT pg_is_in_recovery() AS standby")["standby"][0].as_py():
        return False
    deadline = time.monotonic() + seconds
    writers = waiting = set(fetch(store, _WRITERS)["writer"].to_pylist())
    while waiting and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
        waiting = writers & set(fetch(store, _WRITERS)["writer"].to_pylist())
    return not waiting
