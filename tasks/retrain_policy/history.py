"""What was decided and what became of it: lines that are only ever added, whole or not there."""

import fcntl
import os
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Annotated, Literal, NamedTuple

from pydantic import AwareDatetime, Field, RootModel

from tasks import documents
from tasks.artifacts import sync_folder
from tasks.documents import Document
from tasks.releases import Version

HISTORY = "retrain_history.jsonl"  # in the live side's folder
AskedBy = Literal["schedule", "hand", "drift", "quality", "labels", "volume"]
Kind = Literal["train", "skip", "block"]
# finished: judged by the gate | stopped: would stop there again | failed: may go better next time
Outcome = Literal["finished", "stopped", "failed", "interrupted"]


class Decided(Document):
    what: Literal["decided"]
    at: AwareDatetime
    run_id: str  # of the flow run, unlike its name never used again
    run: str
    asked_by: AskedBy
    event_evidence: str  # what the event said of itself; "" without one
    kind: Kind
    reason: str
    evidence_id: str


class Started(Document):
    what: Literal["started"]
    at: AwareDatetime
    run_id: str
    run: str
    evidence_id: str
    partitions: tuple[str, ...]  # of accepted corrections, by name
    expected_seconds: float
    expected_dollars: float


class Ended(Document):
    what: Literal["ended"]
    at: AwareDatetime
    run_id: str
    outcome: Outcome
    seconds: float
    dollars: float
    version: Version | None  # of the release that it became, whatever the gate said of it
    message: str


Entry = Decided | Started | Ended
_Line = RootModel[Annotated[Entry, Field(discriminator="what")]]


class Training(NamedTuple):
    """One that was started; it has no end when it was killed, or goes on."""

    started: Started
    ended: Ended | None

    @property
    def outcome(self) -> Outcome:
        return self.ended.outcome if self.ended else "interrupted"

    @property
    def seconds(self) -> float:
        """What it took; of one that was killed nobody knows, so what it was expected to take."""
        return self.ended.seconds if self.ended else self.started.expected_seconds

    @property
    def dollars(self) -> float:
        return self.ended.dollars if self.ended else self.started.expected_dollars


def read(file: Path) -> list[Entry]:
    """Oldest first; a line cut by a kill counts as not there. InputError for one that is none."""
    lines = file.read_bytes().split(b"\n")[:-1] if file.exists() else []
    remedy = "Mend that line: what it says counts, and without it a training could come twice."
    return [
        documents.parse(line, _Line, f"{file}, line {number}", remedy).root
        for number, line in enumerate(lines, start=1)
    ]


def append(file: Path, entry: Entry) -> None:
    """Add a line; when this returns, it is on the disk. What a kill left of another one goes."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with file.open("ab+") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        _drop_cut_line(stream)
        stream.write(entry.model_dump_json().encode() + b"\n")
        stream.flush()
        os.fsync(stream.fileno())
    sync_folder(file.parent)


def trainings(entries: Iterable[Entry]) -> list[Training]:
    """In the order of their starts; a run that was tried again has started twice."""
    found: list[Training] = []
    places: dict[str, int] = {}
    for entry in entries:
        if isinstance(entry, Started):
            places[entry.run_id] = len(found)
            found.append(Training(entry, None))
        elif isinstance(entry, Ended) and entry.run_id in places:
            place = places.pop(entry.run_id)
            found[place] = found[place]._replace(ended=entry)
    return found


def last_decision(entries: Iterable[Entry]) -> Decided | None:
    return next((one for one in reversed([*entries]) if isinstance(one, Decided)), None)


def _drop_cut_line(stream: IO[bytes]) -> None:
    stream.seek(0)
    content = stream.read()
    if len(content) != (whole := content.rfind(b"\n") + 1):
        stream.truncate(whole)
