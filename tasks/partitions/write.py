"""One partition as files: rows in the order of event_id, named by their content."""

from collections.abc import Sequence
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.artifacts import json_bytes, sha256_of
from tasks.feedback import Manifest, Partition
from tasks.partitions.order import order_of
from tasks.records import FEEDBACK

_NAME_DIGITS = 20  # of a sha256
# A dictionary of what hardly repeats takes a third of the writing and saves nothing. Lengths apart
# from texts let hexadecimal digits be compressed in half the time, and a little smaller. Bounds of
# random ids tell a reader nothing.
_REPEATED = ["client", "rater", "label", "predicted", "model_version"]
_ENCODINGS = {
    **dict.fromkeys(["event_id", "prediction_id", "text_sha256"], "DELTA_LENGTH_BYTE_ARRAY"),
    **dict.fromkeys(["received_at", "predicted_at"], "DELTA_BINARY_PACKED"),
}
_AS_PARQUET: dict[str, Any] = {
    "compression": "zstd",
    "use_dictionary": _REPEATED,
    "column_encoding": _ENCODINGS,
    "write_statistics": ["received_at"],
}


class Rows(NamedTuple):
    """What the manifest says of the store's rows, which the columns do not."""

    seqs: Sequence[tuple[int, int]]
    anchor: tuple[int, str] | None


def write_partition(folder: Path, table: pa.Table, rows: Rows) -> Partition:
    """Write the Parquet file; the manifest, which is returned, is written by `place`.

    The folder is a staging one that nobody reads yet.
    """
    table = table.combine_chunks()  # taking rows from one piece is twice as fast
    table = table.take(pa.array(order_of(table["event_id"].chunk(0))))
    new = folder / f"{uuid4()}.new"  # several are written at once
    pq.write_table(table.cast(FEEDBACK), new, **_AS_PARQUET)
    sha256 = sha256_of(new)
    file = new.rename(folder / f"part-{sha256[:_NAME_DIGITS]}.parquet")
    return Partition(file, describe(table, rows, sha256))


def place(partition: Partition, folder: Path, held_because: str | None) -> Partition:
    """Into the folder below the staging one that is named as where it goes; with its manifest."""
    folder.mkdir(exist_ok=True)
    manifest = partition.manifest.model_copy(update={"held_because": held_because})
    file = partition.file.rename(folder / partition.file.name)
    note = file.with_suffix(".json")
    note.write_bytes(json_bytes(manifest.model_dump(mode="json")))
    return Partition(file, manifest)


def describe(table: pa.Table, rows: Rows, sha256: str) -> Manifest:
    """The manifest of a table that holds an event at least."""
    times, labels = table["received_at"], table["label"]
    bounds = pc.min_max(times).as_py()
    return Manifest(
        sha256=sha256,
        num_events=len(table),
        seqs=tuple(rows.seqs),
        anchor=rows.anchor,
        first_received_at=bounds["min"],
        last_received_at=bounds["max"],
        days={str(day): count for day, count in _count(times.cast(pa.date32())).items()},
        labels=_count(labels),
        num_corrections=pc.sum(pc.not_equal(labels, table["predicted"])).as_py(),
        held_because=None,
    )


def empty_manifest(seqs: Sequence[tuple[int, int]], sha256: str, day: str) -> Manifest:
    """Of a partition whose events are all forgotten; of when they came, the day stays."""
    midnight = datetime.combine(datetime.fromisoformat(day), time(), UTC)
    return Manifest(
        sha256=sha256, num_events=0, seqs=tuple(seqs), anchor=None, first_received_at=midnight,
        last_received_at=midnight, days={}, labels={}, num_corrections=0, held_because=None,
    )  # fmt: skip


def _count(column: Any) -> dict[Any, int]:
    return {one["values"]: one["counts"] for one in pc.value_counts(column).to_pylist()}
