"""Corrections that the newest release has not learnt from, and those that count for nothing.

Waiting: rows of the store that the next ingest would take in, and accepted partitions that the
release's data did not have. What is held in quarantine is neither.
"""

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tasks import documents
from tasks.coverage import event_ids, find_uncovered, leave_out
from tasks.documents import Document
from tasks.feedback import ACCEPTED, QUARANTINED, Partition, list_partitions
from tasks.monitor.store import Store
from tasks.ranges import windows

LEARNT = "learnt.json"
_MOST_ROWS = 100_000  # in memory at once


class Learnt(Document):
    """What whoever starts the command found that the newest release was made from."""

    partitions: tuple[str, ...]  # by name


class Partitions(NamedTuple):
    """Of data/feedback."""

    accepted: list[Partition]
    quarantined: list[Partition]
    learnt: Collection[str] = ()  # names


def read_partitions(folder: Path, learnt: Path | None) -> Partitions:
    """InputError for a manifest, or a list of what was learnt from, that is none."""
    names = documents.read(learnt, Learnt, "Run the flow again.").partitions if learnt else ()
    quarantined = list_partitions(folder / QUARANTINED)  # first: what is released goes to accepted
    return Partitions(list_partitions(folder / ACCEPTED), quarantined, frozenset(names))


def count_unlearnt(store: Store, partitions: Partitions) -> int:
    newer = [one for one in partitions.accepted if one.name not in partitions.learnt]
    return _count_waiting(store, partitions) + sum(one.manifest.num_events for one in newer)


def without_quarantined(table: pa.Table | None, partitions: Partitions) -> pa.Table | None:
    """Corrections less those set aside for a person to look at."""
    if table is None:
        return None
    bounds = pc.min_max(table["received_at"]).as_py()
    for one in partitions.quarantined:
        first, last = one.manifest.first_received_at, one.manifest.last_received_at
        if last >= bounds["min"] and first <= bounds["max"]:
            table = leave_out(table, event_ids(one))
    return table


def _count_waiting(store: Store, partitions: Partitions) -> int:
    everything = [*partitions.accepted, *partitions.quarantined]
    ranges, known_ids = find_uncovered(store.connection, everything)
    return sum(
        leave_out(table, known_ids).num_rows
        for window in windows(ranges, _MOST_ROWS)
        for table in store.events(window)
    )
