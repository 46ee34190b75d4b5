"""The folder of the live side: releases, the one pointer that says what is live, its history."""

import contextlib
import datetime
import re
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from tasks import documents
from tasks.artifacts import json_bytes, sha256_of, whole_file
from tasks.documents import Document
from tasks.errors import InputError

LIVE = Path("live")
POINTER = "pointer.json"
HISTORY = "history.jsonl"
SERVICE_LOCK = "service.lock"  # held by the prediction service for as long as it lives
SERVICE_RECORD = "service.json"  # where it listens; there is none while it does not
RECORD = "release.json"
VERDICT = "verdict.json"
CARD = "card"
_NUMBER = "(0|[1-9][0-9]{0,5})"
_VERSION = rf"^v{_NUMBER}\.{_NUMBER}\.{_NUMBER}$"
Version = Annotated[str, Field(pattern=_VERSION)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Action = Literal["promote", "put back", "roll back", "rehearse", "end rehearsal"]


class Target(Document):
    """A release, and which bundle is meant by it: one swapped on disk is another."""

    version: Version
    manifest_sha256: Sha256


class Change(Document):
    """One line of the history: who changed what is live, when, why, from what to what."""

    number: Annotated[int, Field(ge=1)]
    action: Action
    at: datetime.datetime  # UTC
    who: str
    why: str
    from_version: Version | None
    to_version: Version | None


class Pointer(Document):
    """What the prediction service serves; one file, so that all of it changes at once."""

    live: Target | None
    previous: Target | None  # what a rollback without a version goes back to
    canary: Target | None  # answers a share of the traffic
    shadow: Target | None  # scores, never answers
    change: Change | None  # the one that made this pointer; null: nothing was released yet
    until: datetime.datetime | None = None  # canary and shadow end then, whoever was killed


NOTHING = Pointer(live=None, previous=None, canary=None, shadow=None, change=None)


class Release(Document):
    """What lies beside a release's bundle, written once."""

    version: Version
    manifest_sha256: Sha256
    run: str  # the experiment it comes from
    commit: str  # of git; "": of no run
    judged_at: datetime.datetime
    decision: Literal["passed", "refused", "undecided"]
    champion: Version | None  # what it was judged against

    @property
    def target(self) -> Target:
        return Target(version=self.version, manifest_sha256=self.manifest_sha256)


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

    def verdict(self, version: str) -> Path:
        return self.release(version) / VERDICT


def read_pointer(place: Place) -> Pointer:
    """NOTHING before the first release; InputError when the file is not a pointer."""
    if not place.pointer.exists():
        return NOTHING
    remedy = "Name what is to be live: python -m tasks.release rollback --to VERSION --why ..."
    return documents.read(place.pointer, Pointer, remedy)


def swap_pointer(place: Place, pointer: Pointer) -> None:
    """The one moment at which another version goes live: a rename.

    The history follows. A kill or a full disk between the two leaves the change in the pointer,
    from where `mend_history` brings it into the history before the next one.
    """
    mend_history(place)
    with whole_file(place.pointer) as stream:
        stream.write(json_bytes(pointer.model_dump(mode="json")))
    with contextlib.suppress(OSError):
        mend_history(place)


def read_history(place: Place) -> list[Change]:
    """Oldest first, the pointer's own change included; a line cut by a kill counts as not there."""
    remedy = "Mend that line: without it, what it names counts as never live."
    changes = [
        documents.parse(line, Change, f"{place.history}, line {number}", remedy)
        for number, line in enumerate(history_lines(place), start=1)
    ]
    latest = read_pointer(place).change
    return changes if latest is None or latest in changes else [*changes, latest]


def mend_history(place: Place) -> None:
    """Add the pointer's change where it is missing; written beside and renamed, so never half.

    Lines are kept as they are, whoever wrote them: a history that cannot be read is no reason not
    to roll back.
    """
    with contextlib.suppress(InputError):  # nor is a pointer: it is about to be replaced
        latest = read_pointer(place).change
        lines = history_lines(place)
        if latest and (line := latest.model_dump_json().encode()) not in lines:
            with whole_file(place.history) as stream:
                stream.writelines(kept + b"\n" for kept in [*lines, line])


def list_versions(place: Place) -> list[str]:
    """By number, oldest first; what a kill left half-copied has another name."""
    names = [folder.name for folder in place.releases.glob("v*")]
    return sorted(filter(is_version, names), key=numbers_of)


def is_version(name: str) -> bool:
    return re.fullmatch(_VERSION, name) is not None and not name.endswith("\n")


def numbers_of(version: str) -> tuple[int, ...]:
    """Of `v1.2.0`, to compare by."""
    return tuple(map(int, version.removeprefix("v").split(".")))


def read_release(place: Place, version: str) -> Release:
    """InputError, in one line, when there is no such release."""
    known = f"Releases that are there: {', '.join(list_versions(place)) or 'none'}."
    if not is_version(version):  # it becomes part of a path
        raise InputError(f"{version!r}: no version, such as v1.0.0. {known}")
    file = place.release(version) / RECORD
    release = documents.read(file, Release, known)
    if release.version != version:
        raise InputError(f"{file}: it is of {release.version}. Put the folder back in its place.")
    return release


def find_bundle(place: Place, target: Target) -> Path:
    """The folder of the bundle that is meant; InputError when another lies there.

    Its files are compared with the manifest by whoever loads it (`bundle.load_bundle`).
    """
    from tasks.bundle import MANIFEST  # noqa: PLC0415 - the runtime, which no other call here needs

    bundle = place.bundle(target.version)
    manifest = bundle / MANIFEST
    found = sha256_of(manifest) if manifest.is_file() else "none"
    if found != target.manifest_sha256:
        raise InputError(
            f"{manifest}: sha256 {found[:12]}, expected {target.manifest_sha256[:12]}: it is not "
            f"the bundle that was released as {target.version}. Roll back to another version."
        )
    return bundle


def history_lines(place: Place) -> list[bytes]:
    return place.history.read_bytes().split(b"\n")[:-1] if place.history.exists() else []
