"""Corrections that the newest release cannot have learnt from, and those that count for nothing.

Waiting: rows of the store that no partition holds yet, and partitions accepted since the newest
release was judged. What is held in quarantine is neither.
"""

import datetime
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tasks.feedback import ACCEPTED, QUARANTINED, Manifest, list_partitions
from tasks.monitor.store import Store
from tasks.slices import Rows

Ints = npt.NDArray[np.int64]


class Ranges(NamedTuple):
    """Whole numbers, by the first and last of each run of them; in order, apart from each other."""

    first: Ints
    last: Ints

    def holds(self, numbers: Ints) -> Rows:
        place = np.searchsorted(self.first, numbers, side="right") - 1
        return (place >= 0) & (numbers <= self.last[place]) if len(self.first) else place >= 0

    def end_of_start(self) -> int:
        """All up to here, from 1 on, are in it."""
        return int(self.last[0]) if len(self.first) and self.first[0] <= 1 else 0


class Partitions(NamedTuple):
    """Manifests of data/feedback."""

    accepted: Sequence[Manifest]
    quarantined: Sequence[Manifest]


def read_partitions(folder: Path) -> Partitions:
    kinds = (
        [partition.manifest for partition in list_partitions(folder / kind)]
        for kind in (ACCEPTED, QUARANTINED)
    )
    return Partitions(*kinds)


def ranges_of(manifests: Iterable[Manifest]) -> Ranges:
    merged: list[list[int]] = []
    for first, last in sorted(pair for manifest in manifests for pair in manifest.seqs):
        if merged and first <= merged[-1][1] + 1:
            merged[-1][1] = max(merged[-1][1], last)
        else:
            merged.append([first, last])
    pairs = np.array(merged, dtype=np.int64).reshape(-1, 2)
    return Ranges(pairs[:, 0], pairs[:, 1])


def count_unlearnt(
    store: Store, partitions: Partitions, judged_at: datetime.datetime | None
) -> int:
    """`judged_at` None: there is no release that could have learnt anything."""
    newer = [
        manifest for manifest in partitions.accepted
        if judged_at is None or manifest.last_received_at > judged_at
    ]  # fmt: skip
    known = ranges_of([*partitions.accepted, *partitions.quarantined])
    waiting = sum(
        int((~known.holds(table["seq"].to_numpy())).sum())
        for table in store.seqs_after(known.end_of_start())
    )
    return waiting + sum(manifest.num_events for manifest in newer)


def without_quarantined(table: pa.Table | None, partitions: Partitions) -> pa.Table | None:
    """Corrections less those set aside for a person to look at."""
    if table is None or not partitions.quarantined:
        return table
    held = ranges_of(partitions.quarantined).holds(table["seq"].to_numpy())
    return table.filter(pa.array(~held))
