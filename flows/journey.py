"""Where a correction went: from the store to a partition, an example, a split, and the releases."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from flows.checkout.cache import find_cache, object_of
from flows.checkout.git import GitError, git
from flows.checkout.lock_file import DVC_LOCK, parse_dvc_lock
from tasks import feedback
from tasks.aggregate.collect import example_id
from tasks.aggregate.newest import id_of_text
from tasks.aggregate.params import AggregateParams
from tasks.errors import InputError
from tasks.live_store import open_store
from tasks.params import load_params
from tasks.release.known import list_releases
from tasks.releases import LIVE, Place, Release

LEARNT = ("train", "validation")
_STAGE = "split"
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_COLUMNS = (
    "event_id", "received_at", "client", "rater", "label", "predicted", "prediction_id",
    "model_version", "predicted_at", "text",
)  # fmt: skip
Event = dict[str, Any]
Reasons = dict[str, str]  # by example_id: why it was set aside, "" where it was not


class Station(NamedTuple):
    """What a release did with an example."""

    release: Release
    part: str  # of the split; "": it was not there, or nobody can say
    reason: str  # why it was set aside, where it was; without a part, why nobody can say


def check_event_id(event_id: str) -> None:
    """InputError for what no client can have sent."""
    if not re.fullmatch(_UUID, event_id):
        raise InputError(
            f"{event_id!r}: no event_id, expected a UUID in small letters, as POST /v1/feedback "
            "takes it. See what the client sent."
        )


def find_in_store(event_id: str) -> Event | None:
    """The row that was acknowledged; None: it is not there. Errors as of `open_store`."""
    check_event_id(event_id)
    query = f"SELECT {', '.join(_COLUMNS)} FROM feedback WHERE event_id = '{event_id}'"
    with open_store() as store, store.cursor() as cursor:
        cursor.execute(query)
        rows: list[Event] = cursor.fetch_arrow_table().to_pylist()
    return rows[0] if rows else None


def find_in_partitions(folder: Path, event_id: str) -> tuple[Path, Event] | None:
    """The partition below data/feedback that holds it, accepted or not, and its row there."""
    for kind in (feedback.ACCEPTED, feedback.QUARANTINED):
        for partition in feedback.list_partitions(folder / kind):
            table = pq.read_table(partition.file, filters=[("event_id", "=", event_id)])
            if table.num_rows:
                return partition.file, table.to_pylist()[0]
    return None


def feedback_source() -> str:
    """What the graph calls the source of corrections."""
    return load_params("aggregate", AggregateParams).feedback.source


def example_of(text: str, source: str) -> str:
    """The id of the example on which corrections of this text are votes."""
    return example_id(source, id_of_text(text))


class Releases:
    """The splits that releases were made from, as their runs' dvc.lock and DVC's cache have them.

    A split that several releases share is read once.
    """

    def __init__(self) -> None:
        self._cache = find_cache()
        self._parts: dict[str, Reasons] = {}  # by md5
        self._releases = list_releases(Place(LIVE))
        self._splits: dict[str, dict[str, str]] = {}  # by version: md5 of each table

    def stations(self, example: str) -> Iterator[Station]:
        """One for each release, oldest first."""
        for release in self._releases:
            try:
                yield self._find(release, example)
            except InputError as error:  # an old one; newer ones may well be there
                yield Station(release, "", str(error))

    def _find(self, release: Release, example: str) -> Station:
        if release.version not in self._splits:
            self._splits[release.version] = _splits_of(release)
        for part, md5 in self._splits[release.version].items():
            if (reason := self._read(part, md5).get(example)) is not None:
                return Station(release, part, reason)
        return Station(release, "", "")

    def _read(self, part: str, md5: str) -> Reasons:
        if md5 not in self._parts:
            file = object_of(self._cache, md5)
            if not file.is_file():
                raise InputError(
                    f"{file}: DVC's cache does not have split {part} any more. Fetch it: dvc fetch "
                    "--all-commits, or dvc pull in the run that `make restore` brings back."
                )
            table = pq.read_table(file, columns=_columns(file))
            reasons = table["reason"].to_pylist() if "reason" in table.column_names else None
            ids = table["example_id"].to_pylist()
            self._parts[md5] = dict(zip(ids, reasons or [""] * len(ids), strict=True))
        return self._parts[md5]


def _columns(file: Path) -> list[str]:
    return [name for name in pq.read_schema(file).names if name in ("example_id", "reason")]


def _splits_of(release: Release) -> dict[str, str]:
    """md5 of each table of the split; none where the release is of no run."""
    if not release.commit:
        return {}
    try:
        content = git("show", f"{release.commit}:{DVC_LOCK}")
    except GitError as error:
        raise InputError(
            f"{release.version}: its run's commit {release.commit[:12]} is not here ({error}). "
            f"Fetch it: git fetch origin 'refs/exps/*:refs/exps/*'"
        ) from None
    stage = parse_dvc_lock(content.encode()).stages.get(_STAGE)
    outs = stage.outs if stage else []
    return {
        Path(out.path).stem: out.md5 for out in outs if out.md5 and out.path.endswith("parquet")
    }
