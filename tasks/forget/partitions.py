"""Partitions of feedback without what is to be forgotten, under new names, for the same rows."""

from collections.abc import Callable, Sequence
from datetime import UTC
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.artifacts import sha256_of
from tasks.feedback import Partition, list_partitions
from tasks.forget.traces import Traces, find_events
from tasks.partitions.place import DECIDED, all_partitions
from tasks.partitions.publish import replace, staged
from tasks.partitions.write import Rows, empty_manifest, place, write_partition
from tasks.records import FEEDBACK

_NUM_LATEST = 500  # events among which the last row is looked for
FindAnchor = Callable[[Sequence[str]], tuple[int, str] | None]


class Kept(NamedTuple):
    partition: Partition
    rows: pa.Table  # that stay


def read_tables(target: Path) -> list[pa.Table]:
    """Also of the copies beside decisions, which can differ from all else after a restore."""
    partitions = [*all_partitions(target), *list_partitions(target / DECIDED)]
    return [pq.read_table(one.file) for one in partitions]


def rewrite(target: Path, traces: Traces, find_anchor: FindAnchor) -> int:
    """For the holder of the lock; returns how many partitions held something.

    The new ones answer for the same rows of the store, so that nothing is ingested again.
    `find_anchor` gives the last row of the store among some events.
    """
    changed = _find_holding(all_partitions(target), traces)
    copies = _find_holding(list_partitions(target / DECIDED), traces)  # new ones follow by itself
    if changed or copies:
        with staged(target) as staging:
            for kept in changed:
                _write(staging, kept, traces, find_anchor)
            replace(staging, [file for one in (*changed, *copies) for file in _files_of(one[0])])
    return len(changed)


def _find_holding(partitions: Sequence[Partition], traces: Traces) -> list[Kept]:
    found = []
    for one in partitions:
        table = pq.read_table(one.file)
        gone = find_events(table, set(traces.prediction_ids))
        if pc.any(gone).as_py() or _names(one.manifest.held_because, traces):
            found.append(Kept(one, table.filter(pc.invert(gone))))
    return found


def _write(staging: Path, kept: Kept, traces: Traces, find_anchor: FindAnchor) -> None:
    old = kept.partition.manifest
    folder = staging / kept.partition.file.parent.name
    if len(kept.rows):
        new = write_partition(staging, kept.rows, Rows(old.seqs, _anchor(kept, find_anchor)))
    else:
        new = _write_empty(staging, kept.partition)
    new = place(new, folder, _hide(old.held_because, traces) if old.held_because else None)
    if (note := _decision_of(kept.partition)).exists():
        content = _hide(note.read_text("utf-8"), traces)
        (folder / f"decision-{new.name}.json").write_text(content, "utf-8")


def _names(reason: str | None, traces: Traces) -> bool:
    return _hide(reason or "", traces) != (reason or "")


def _hide(words: str, traces: Traces) -> str:
    """Whoever decided can have named who sent it; so did reasons before they were kept nameless."""
    for rater in traces.raters:
        words = words.replace(rater, "somebody")
    for name in traces.names:
        words = words.replace(f"% come from {name.partition(':')[2]} (", "% come from somebody (")
    return words


def _write_empty(staging: Path, old: Partition) -> Partition:
    """Named by the rows that it answers for, since all empty files are one."""
    file = staging / old.file.name
    pq.write_table(FEEDBACK.empty_table(), file)
    first = old.manifest.first_received_at.astimezone(UTC)
    sha256 = sha256_of(file)
    manifest = empty_manifest(old.manifest.seqs, sha256, f"{first:%Y-%m-%d}")
    low, high = old.manifest.seqs[0][0], old.manifest.seqs[-1][1]
    return Partition(file.rename(staging / f"part-forgotten-{low}-{high}.parquet"), manifest)


def _anchor(kept: Kept, find_anchor: FindAnchor) -> tuple[int, str] | None:
    """The old one while its event stays. Where the store knows none of what stays: one that is not
    true there either, so that the next ingest compares events, not rows."""
    old, ids = kept.partition.manifest.anchor, kept.rows["event_id"].to_pylist()
    if old is None or old[1] in ids:
        return old
    latest = kept.rows.sort_by([("received_at", "descending")])["event_id"][:_NUM_LATEST]
    return find_anchor(latest.to_pylist()) or (old[0], ids[0])


def _files_of(partition: Partition) -> Sequence[Path]:
    return (partition.file.with_suffix(".json"), partition.file, _decision_of(partition))


def _decision_of(partition: Partition) -> Path:
    return partition.file.with_name(f"decision-{partition.name}.json")
