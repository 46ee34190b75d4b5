"""What people decided, kept with the partitions where no restore reaches, and carried out.

A note lies beside each partition, too, so that DVC takes decisions to other clones. There the
newer of two counts.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import AwareDatetime

from tasks import documents
from tasks.artifacts import json_bytes, sync_folder, whole_file
from tasks.documents import Document
from tasks.feedback import ACCEPTED, QUARANTINED, Partition, list_partitions
from tasks.partitions.place import DECIDED, all_partitions

Verdict = Literal["accepted", "rejected"]
_FOLDERS: dict[Verdict, tuple[str, str]] = {  # where it belongs, and where it must not lie
    "accepted": (ACCEPTED, QUARANTINED),
    "rejected": (QUARANTINED, ACCEPTED),
}


class Decision(Document):
    """`decision-NAME.json`, beside the partition and in DECIDED."""

    verdict: Verdict
    who: str
    why: str
    at: AwareDatetime


class _Case(NamedTuple):
    name: str  # of the partition
    decision: Decision


def read_decision(partition: Partition) -> Decision | None:
    """The newest, wherever it is known from."""
    name, folder = partition.name, partition.file.parent
    found = [*_read(folder, name), *_read(folder.parent / DECIDED, name)]
    return max(found, key=lambda one: one.at, default=None)


def keep_decision(target: Path, partition: Partition, decision: Decision) -> None:
    """With a copy of the partition: its events are known by it when data/feedback is an older one.
    The note comes last, and counts."""
    copy = target / DECIDED / partition.file.name
    _copy(partition.file, copy)
    _copy(partition.file.with_suffix(".json"), copy.with_suffix(".json"))
    _write_note(copy.parent, _Case(partition.name, decision))


def finish_decisions(target: Path) -> None:
    """Every partition that was decided of lies where it belongs, also after a kill or a restore."""
    for folder in (ACCEPTED, QUARANTINED):
        for case in _list_cases(target / folder):
            _learn(target, folder, case)
    kept = {one.name: one for one in list_partitions(target / DECIDED)}
    for case in _list_cases(target / DECIDED):
        goal, other = (target / folder for folder in _FOLDERS[case.decision.verdict])
        if _bring(case, other, goal) or _bring_back(target, kept.get(case.name), case):
            _write_note(goal, case)
            for leftover in (*_files(other, case.name), _note(other, case.name)):
                leftover.unlink(missing_ok=True)


def _learn(target: Path, folder: str, case: _Case) -> None:
    """What was decided in another clone, or before decisions were kept apart."""
    name, decision = case
    if any(one.at >= decision.at for one in _read(target / DECIDED, name)):
        return
    for one in list_partitions(target / folder):
        if one.name == name:
            keep_decision(target, one, decision)


def _bring(case: _Case, source: Path, goal: Path) -> bool:
    """Whether it is there. The manifest's one rename is the move; all else is around it."""
    manifest, file = _files(goal, case.name)
    if manifest.exists():
        return True
    old_manifest, old_file = _files(source, case.name)
    if not old_manifest.exists():
        return False
    _copy(old_file, file)
    old_manifest.rename(manifest)
    sync_folder(goal)
    sync_folder(source)
    return True


def _bring_back(target: Path, own: Partition | None, case: _Case) -> bool:
    """From our copy, though not twice into what is learnt from: another clone may have cut the same
    events otherwise."""
    verdict = case.decision.verdict
    if own is None or (verdict == "accepted" and _is_known_otherwise(target, own)):
        return False
    for file in reversed(_files(own.file.parent, own.name)):  # the manifest last, as it counts
        _copy(file, target / _FOLDERS[verdict][0] / file.name)
    return True


def _is_known_otherwise(target: Path, own: Partition) -> bool:
    begin, end = own.manifest.first_received_at, own.manifest.last_received_at
    others = [
        one for one in all_partitions(target)
        if one.manifest.first_received_at <= end and begin <= one.manifest.last_received_at
    ]  # fmt: skip
    return any(pc.any(pc.is_in(_ids(own), _ids(one))).as_py() for one in others)


def _ids(partition: Partition) -> pa.Array:
    return pq.read_table(partition.file, columns=["event_id"])["event_id"].combine_chunks()


def _list_cases(folder: Path) -> Iterator[_Case]:
    for note in sorted(folder.glob("decision-*.json")):
        name = note.stem.removeprefix("decision-")
        yield from (_Case(name, decision) for decision in _read(folder, name))


def _read(folder: Path, name: str) -> list[Decision]:
    """None or one."""
    if not (note := _note(folder, name)).exists():
        return []
    return [documents.read(note, Decision, "Restore it: dvc checkout data/feedback.")]


def _write_note(folder: Path, case: _Case) -> None:
    note, content = _note(folder, case.name), json_bytes(case.decision.model_dump(mode="json"))
    if not note.exists() or note.read_bytes() != content:
        with whole_file(note) as stream:
            stream.write(content)


def _copy(source: Path, target: Path) -> None:
    if not target.exists():
        with source.open("rb") as content, whole_file(target) as copy:
            shutil.copyfileobj(content, copy)


def _files(folder: Path, name: str) -> tuple[Path, Path]:
    """Manifest and events."""
    return folder / f"{name}.json", folder / f"{name}.parquet"


def _note(folder: Path, name: str) -> Path:
    return folder / f"decision-{name}.json"
