"""What a person decided of a quarantined partition, kept beside it, and carried out."""

import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import AwareDatetime

from tasks import documents
from tasks.artifacts import json_bytes, sync_folder, whole_file
from tasks.documents import Document
from tasks.errors import InputError
from tasks.feedback import ACCEPTED, QUARANTINED, Partition, list_partitions

Verdict = Literal["accepted", "rejected"]


class Decision(Document):
    """`decision-NAME.json`; that of an accepted partition moves with it."""

    verdict: Verdict
    who: str
    why: str
    at: AwareDatetime


class Held(NamedTuple):
    partition: Partition
    decision: Decision | None  # None: it waits for one


def list_held(target: Path) -> list[Held]:
    """What lies in quarantine, rejected ones included."""
    return [Held(one, read_decision(one)) for one in list_partitions(target / QUARANTINED)]


def read_decision(partition: Partition) -> Decision | None:
    file = _decision_file(partition.file)
    if not file.exists():
        return None
    return documents.read(file, Decision, "Restore it: dvc checkout data/feedback.")


def choose(held: list[Held], names: list[str]) -> list[Held]:
    """Those named; no name: all that wait. InputError for a name that is not there."""
    by_name = {one.partition.name: one for one in held}
    if unknown := sorted(set(names) - set(by_name)):
        raise InputError(
            f"{', '.join(unknown)}: not in quarantine. There are: {', '.join(by_name) or 'none'}."
        )
    return [by_name[name] for name in names] or [one for one in held if one.decision is None]


def decide(target: Path, chosen: list[Held], decision: Decision) -> None:
    """Keep the decision, then carry it out; for the holder of the lock.

    A rejected partition stays in quarantine, so that its events are not ingested again; it can
    still be accepted later.
    """
    for one in chosen:
        with whole_file(_decision_file(one.partition.file)) as stream:
            stream.write(json_bytes(decision.model_dump(mode="json")))
    finish_decisions(target)


def make_decision(verdict: Verdict, who: str, why: str, at: datetime) -> Decision:
    if not why.strip():
        raise InputError("a decision without a reason: say why, for those who look later.")
    return Decision(verdict=verdict, who=who, why=why, at=at)


def finish_decisions(target: Path) -> None:
    """Move what was accepted. The manifest's one rename is the move; all else is around it."""
    for file in _accepted_files(target / QUARANTINED):
        manifest, goal = file.with_suffix(".json"), target / ACCEPTED
        if manifest.exists():
            with file.open("rb") as source, whole_file(goal / file.name) as copy:
                shutil.copyfileobj(source, copy)
            manifest.rename(goal / manifest.name)
            sync_folder(goal)
            sync_folder(manifest.parent)
        file.unlink(missing_ok=True)
        _decision_file(file).rename(goal / _decision_file(file).name)


def _accepted_files(quarantined: Path) -> Iterator[Path]:
    for note in sorted(quarantined.glob("decision-*.json")):
        decision = documents.read(note, Decision, "Restore it: dvc checkout data/feedback.")
        if decision.verdict == "accepted":
            yield note.with_name(f"{note.stem.removeprefix('decision-')}.parquet")


def _decision_file(partition_file: Path) -> Path:
    return partition_file.with_name(f"decision-{partition_file.stem}.json")
