"""What people decided, kept with the partitions where no restore reaches, and carried out.

A note lies beside each partition, too, so that DVC takes decisions to other clones. There the
newer of two counts.
"""

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import AwareDatetime

from tasks import documents
from tasks.artifacts import json_bytes, sync_folder, whole_file, write_json
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
        if _bring(case.name, other, goal) or _bring_back(target, kept.get(case.name), case):
            _write_note(goal, case)
            for leftover in (*_files(other, case.name), _note(other, case.name)):
                leftover.unlink(missing_ok=True)
        if case.decision.verdict == "rejected" and case.name in kept:
            _hold_what_has_them_too(target, kept[case.name])


def _hold_what_has_them_too(target: Path, rejected: Partition) -> None:
    """An older state can have the same events otherwise cut, and accepted: a person has to look,
    once."""
    for one in _sharing_events(rejected, list_partitions(target / ACCEPTED)):
        if not _read(target / DECIDED, one.name):
            reason = f"some of its events were rejected as {rejected.name}"
            manifest = one.manifest.model_copy(update={"held_because": reason})
            goal = target / QUARANTINED
            _bring(one.name, target / ACCEPTED, goal)
            for leftover in _files(target / ACCEPTED, one.name):
                leftover.unlink(missing_ok=True)
            write_json(goal / f"{one.name}.json", manifest.model_dump(mode="json"))


def _learn(target: Path, folder: str, case: _Case) -> None:
    """What was decided in another clone, or before decisions were kept apart."""
    name, decision = case
    if any(one.at >= decision.at for one in _read(target / DECIDED, name)):
        return
    for one in list_partitions(target / folder):
        if one.name == name:
            keep_decision(target, one, decision)


def _bring(name: str, source: Path, goal: Path) -> bool:
    """Whether it is there. The manifest's one rename is the move; all else is around it."""
    manifest, file = _files(goal, name)
    if manifest.exists():
        return True
    old_manifest, old_file = _files(source, name)
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
    if own is None:
        return False
    if verdict == "accepted" and any(_sharing_events(own, all_partitions(target))):
        return False
    for file in reversed(_files(own.file.parent, own.name)):  # the manifest last, as it counts
        _copy(file, target / _FOLDERS[verdict][0] / file.name)
    return True


def _sharing_events(own: Partition, others: Iterable[Partition]) -> Iterator[Partition]:
    """No file is read but of those that came at the same time."""
    begin, end = own.manifest.first_received_at, own.manifest.last_received_at
    for one in others:
        if one.manifest.first_received_at > end or begin > one.manifest.last_received_at:
            continue
        if pc.any(pc.is_in(_ids(own), _ids(one))).as_py():
            yield one


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
