"""A judged candidate becomes a release: its bundle, verdict and model card, copied once."""

import datetime
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from tasks import documents
from tasks.artifacts import json_bytes, sha256_of, whole_folder
from tasks.bundle import MANIFEST, verify_bundle
from tasks.errors import InputError
from tasks.release.change import adopting
from tasks.release.known import find_release
from tasks.release.plan import next_version
from tasks.releases import (
    CARD,
    RECORD,
    VERDICT,
    Place,
    Release,
    list_versions,
)
from tasks.verdict import Verdict

_READ_ONLY = 0o400


class Candidate(NamedTuple):
    """What the graph made and the gate judged."""

    bundle: Path
    verdict: Path
    card: Sequence[Path]  # files and folders that describe it to people
    run: str  # the experiment that it comes from
    commit: str  # of git


def adopt(
    place: Place, candidate: Candidate, bump: str, taken: Iterable[str], seconds: float
) -> Release:
    """Copy the candidate as the next version, whole or not at all; nothing live changes.

    One that was judged again is another release: what a verdict said once it says for ever.

    Args:
        taken: Versions that are elsewhere, such as in git: their numbers are not given again.
    """
    verdict = read_verdict(candidate.verdict)
    with adopting(place, seconds):
        known = find_release(place, verdict.candidate)
        if known and _is_of(place, known, verdict):
            return known
        version = next_version({*list_versions(place), *taken}, bump)
        champion = find_release(place, verdict.champion)
        release = Release(
            version=version,
            manifest_sha256=verdict.candidate,
            run=candidate.run,
            commit=candidate.commit,
            judged_at=datetime.datetime.now(datetime.UTC),
            decision=verdict.decision,
            champion=champion.version if champion else None,
        )
        with whole_folder(place.release(version)) as folder:
            _fill(folder, candidate, release)
    return release


def read_verdict(file: Path) -> Verdict:
    return documents.read(file, Verdict, "Let the gate judge it: python -m tasks.gate")


def _is_of(place: Place, release: Release, verdict: Verdict) -> bool:
    try:
        return read_verdict(place.verdict(release.version)) == verdict
    except InputError:  # it is lost: nobody knows what it said
        return False


def _fill(folder: Path, candidate: Candidate, release: Release) -> None:
    folder.chmod(0o700)
    shutil.copytree(candidate.bundle, folder / "bundle", symlinks=True)
    verify_bundle(folder / "bundle")
    if (found := sha256_of(folder / "bundle" / MANIFEST)) != release.manifest_sha256:
        raise InputError(
            f"{candidate.bundle}: its manifest is {found[:12]}, and the gate judged "
            f"{release.manifest_sha256[:12]}. Let the gate judge what is there now: make run."
        )
    shutil.copyfile(candidate.verdict, folder / VERDICT)
    (folder / CARD).mkdir()
    for page in candidate.card:
        if page.is_dir():
            shutil.copytree(page, folder / CARD / page.name)
        elif page.exists():
            shutil.copyfile(page, folder / CARD / page.name)
    (folder / RECORD).write_bytes(json_bytes(release.model_dump(mode="json")))
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o700 if path.is_dir() else _READ_ONLY)
