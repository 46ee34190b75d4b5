"""Feedback as data: immutable partitions of events, each with a manifest that vouches for it."""

from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import AwareDatetime

from tasks import documents
from tasks.artifacts import sha256_of
from tasks.documents import Document
from tasks.errors import InputError
from tasks.records import FEEDBACK, read_table

ACCEPTED, QUARANTINED = "accepted", "quarantined"  # folders below data/feedback
MANIFESTS = "part-*.json"  # in those; NAME.json, beside the events in NAME.parquet
_NOBODY = "nobody"  # the client, where API keys are off


class Manifest(Document):
    """Of one partition; both are named by its content and never change.

    `seqs` are the rows of the store that it answers for, as ranges with both ends included: those
    that it holds, those that were rolled back, and those that it had to forget.
    """

    sha256: str  # of the Parquet file
    num_events: int
    seqs: tuple[tuple[int, int], ...]
    anchor: tuple[int, str] | None  # its last row and that row's event_id, to know the store by
    first_received_at: AwareDatetime
    last_received_at: AwareDatetime
    days: dict[str, int]  # events by day of receipt, UTC
    labels: dict[str, int]  # events by class
    num_corrections: int  # events whose label is not what was predicted
    held_because: str | None  # why it was set aside for a person to look at; None: it was not


class Partition(NamedTuple):
    """A Parquet file with columns records.FEEDBACK, in the order of event_id."""

    file: Path
    manifest: Manifest

    @property
    def name(self) -> str:
        return self.file.stem


def list_partitions(folder: Path) -> list[Partition]:
    """Of `accepted` or `quarantined`, by name; InputError for a manifest that is none."""
    return list(_find(folder))


def names_of(files: Iterable[str]) -> set[str]:
    """Of the partitions whose manifests are among these."""
    return {file.stem for file in map(PurePath, files) if file.match(MANIFESTS)}


def read_partition(partition: Partition) -> pa.Table:
    """Its events; InputError where the file is not the one that the manifest vouches for."""
    file, manifest = partition
    found = sha256_of(file) if file.is_file() else "no such file"
    if found != manifest.sha256:
        raise InputError(
            f"{file}: expected sha256 {manifest.sha256}, found {found}. "
            "Restore it: dvc checkout data/feedback."
        )
    return read_table(file, FEEDBACK)


def name_rater(client: str | None, name: str) -> str:
    return f"{client or _NOBODY}:{name}"


def raters_of(events: pa.Table) -> pa.Array:
    """CLIENT:NAME, since a name says who it is within a client alone; no key's id holds a colon.

    Whoever gives no name is one person per client, CLIENT:, which nobody can be called.
    """
    client, name = pc.fill_null(events["client"], _NOBODY), pc.fill_null(events["rater"], "")
    joined = pc.binary_join_element_wise(client, name, ":")
    return joined.combine_chunks() if isinstance(joined, pa.ChunkedArray) else joined


def _find(folder: Path) -> Iterator[Partition]:
    for file in sorted(folder.glob(MANIFESTS)):
        manifest = documents.read(file, Manifest, "Restore it: dvc checkout data/feedback.")
        yield Partition(file.with_suffix(".parquet"), manifest)
