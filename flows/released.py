"""What is live and what waits, read from files alone: for the end of a run, and for its start."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from flows import tags
from flows.checkout import registry
from flows.judged import find_inputs, is_answered, why_not
from flows.stage_graph import StageNode
from tasks.artifacts import sha256_of
from tasks.params import PARAMS_FILE, load_params
from tasks.release.known import find_models, find_release
from tasks.release.params import ReleaseParams
from tasks.release.plan import rolled_back_from, was_live
from tasks.releases import LIVE, Place, Release, read_history, read_pointer

_MANIFEST = "manifest.json"


def bundle_sha256() -> str:
    """Which bundle the graph has made; "" when there is none, or no graph that makes one."""
    if not registry.has_artifact():
        return ""
    manifest = registry.artifact()[1] / _MANIFEST
    return sha256_of(manifest) if manifest.is_file() else ""


def is_settled(nodes: Sequence[StageNode]) -> bool:
    """Whether the end of a run would find nothing to do about the bundle that is there."""
    if not (sha256 := bundle_sha256()):
        return True
    release = find_release(Place(LIVE), sha256)
    if release is None or not tags.are_true(release):
        return False
    return is_answered(release, find_inputs(nodes)) and not is_due(release)


def is_due(release: Release) -> bool:
    """Whether it passed, may replace what is live, never was live, and params let it by itself.

    One whose promotion was put back never was: the next run tries it again. What somebody rolled
    back from does not come back by itself, packaged anew either.
    """
    place = Place(LIVE)
    history = read_history(place)
    if release.decision != "passed" or was_live(history, release.version):
        return False
    left = [find_models(place, version) for version in rolled_back_from(history)]
    if left and (models := find_models(place, release.version)) and models in left:
        return False
    if not load_params("release", ReleaseParams).auto_promote:
        return False
    return not why_not(release)


def release_lines() -> list[str]:
    """How a run ends: what is live, what waits, how to start it and how to call it."""
    if not (sha256 := bundle_sha256()):
        return []
    live, release = read_pointer(Place(LIVE)).live, find_release(Place(LIVE), sha256)
    said: dict[str, str] = {}
    if release and (live is None or live.version != release.version):
        said["this run's model"] = f"{release.version}, {release.decision} by the gate"
        if why_not(release):
            said["why"] = str(Place(LIVE).verdict(release.version))
        else:
            said["make it live"] = f"make promote VERSION={release.version}"
    said["live"] = live.version if live else "nothing yet"
    if live:
        said["start it"] = "make serve"
        said["call it"] = (
            f"curl -s {_address()}/v1/predict -H 'content-type: application/json' "
            """-d '{"texts": ["I love it."]}'"""
        )
        said["go back"] = "make rollback WHY='...'"
    return [f"  {what:<18}{how}" for what, how in said.items()]


def _address() -> str:
    """Where the service listens, unless told otherwise; its params are its own to read in full."""
    tree: dict[str, Any] = yaml.safe_load(Path(PARAMS_FILE).read_text(encoding="utf-8"))
    serving = tree["serving"]
    return f"http://{serving['host']}:{serving['port']}"
