"""The folder of the live side: releases, the one pointer that says what is live, its history."""

import datetime
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from tasks.artifacts import json_bytes, sha256_of, whole_file
from tasks.bundle import MANIFEST, read_document
from tasks.errors import InputError

LIVE = Path("live")
POINTER = "pointer.json"
HISTORY = "history.jsonl"
RECORD = "release.json"
VERDICT = "verdict.json"
Version = Annotated[
    str, Field(pattern=r"\Av(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\Z")
]
Sha256 = Annotated[str, Field(pattern=r"\A[0-9a-f]{64}\Z")]
Action = Literal["promote", "roll back", "rehearse", "end rehearsal"]


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Target(_Document):
    """A release, and which bundle is meant by it: one swapped on disk is another."""

    version: Version
    manifest_sha256: Sha256


class Change(_Document):
    """One line of the history: who changed what is live, when, why, from what to what."""

    number: Annotated[int, Field(ge=1)]
    action: Action
    at: datetime.datetime  # UTC
    who: str
    why: str
    from_version: Version | None
    to_version: Version | None


class Pointer(_Document):
    """What the prediction service serves; one file, so that all of it changes at once."""

    live: Target | None
    previous: Target | None  # what a rollback without a version goes back to
    canary: Target | None  # answers a share of the traffic
    shadow: Target | None  # scores, never answers
    change: Change | None  # the one that made this pointer; null: nothing was released yet


NOTHING = Pointer(live=None, previous=None, canary=None, shadow=None, change=None)


class Release(_Document):
    """What lies beside a release's bundle, written once."""

    version: Version
    manifest_sha256: Sha256
    run: str  # the experiment it comes from
    commit: str  # of git; "": of no run
    judged_at: datetime.datetime
    decision: Literal["passed", "refused", "undecided"]
    champion: Version | None  # what it was judged against


class Place(NamedTuple):
    """Where things lie below the live side's folder."""

    folder: Path

    @property
    def pointer(self) -> Path:
        return self.folder / POINTER

    @property
    def history(self) -> Path:
        return self.folder / HISTORY

    @property
    def releases(self) -> Path:
        return self.folder / "releases"

    def release(self, version: str) -> Path:
        return self.releases / version

    def bundle(self, version: str) -> Path:
        return self.release(version) / "bundle"


def read_pointer(place: Place) -> Pointer:
    """NOTHING before the first release; InputError when the file is not a pointer."""
    if not place.pointer.exists():
        return NOTHING
    return read_document(place.pointer, Pointer)


def swap_pointer(place: Place, pointer: Pointer) -> None:
    """The one moment at which another version goes live: a rename.

    The history follows; a kill between the two leaves the change in the pointer, and `mend_history`
    brings it into the history before the next one.
    """
    mend_history(place)
    with whole_file(place.pointer) as stream:
        stream.write(json_bytes(pointer.model_dump(mode="json")))
    mend_history(place)


def read_history(place: Place) -> list[Change]:
    """Oldest first, the pointer's own change included; a line cut by a kill counts as not there."""
    lines = place.history.read_bytes().split(b"\n")[:-1] if place.history.exists() else []
    changes = [Change.model_validate_json(line) for line in lines]
    latest = read_pointer(place).change
    return changes if latest is None or latest in changes else [*changes, latest]


def mend_history(place: Place) -> None:
    """Make the file say what `read_history` says; written beside and renamed, so never half."""
    changes = read_history(place)
    text = "".join(f"{change.model_dump_json()}\n" for change in changes)
    if not place.history.exists() or place.history.read_text(encoding="utf-8") != text:
        with whole_file(place.history) as stream:
            stream.write(text.encode())


def read_release(place: Place, version: str) -> Release:
    """InputError, in one line, when there is no such release."""
    return read_document(place.release(version) / RECORD, Release)


def find_bundle(place: Place, target: Target) -> Path:
    """The folder of the bundle that is meant; InputError when another lies there.

    Its files are compared with the manifest by whoever loads it (`bundle.load_bundle`).
    """
    bundle = place.bundle(target.version)
    manifest = bundle / MANIFEST
    found = sha256_of(manifest) if manifest.is_file() else "none"
    if found != target.manifest_sha256:
        raise InputError(
            f"{manifest}: sha256 {found[:12]}, expected {target.manifest_sha256[:12]}: it is not "
            f"the bundle that was released as {target.version}. Roll back to another version."
        )
    return bundle
