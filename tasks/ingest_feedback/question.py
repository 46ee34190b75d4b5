"""What to read of the store: what no partition answers for, and whether more may come there."""

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from tasks.coverage import find_uncovered
from tasks.feedback import Partition
from tasks.live_store import fetch, is_sqlite
from tasks.ranges import Range

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
    ranges, known_ids = find_uncovered(store, partitions)
    is_settled = is_sqlite(store) or _wait_for_writers(store, settle_seconds)
    return Question(ranges, is_settled, known_ids)


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
