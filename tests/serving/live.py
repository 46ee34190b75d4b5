"""A folder of the live side made of real bundles: releases, and the pointer to one of them."""

import datetime
import shutil
from pathlib import Path

from tasks.artifacts import json_bytes, sha256_of
from tasks.bundle import MANIFEST
from tasks.releases import NOTHING, RECORD, Place, Release, Target, swap_pointer


def add_release(place: Place, version: str, bundle: Path) -> Target:
    """What `package` left, as a release that is not live yet."""
    shutil.copytree(bundle, place.bundle(version))
    target = Target(version=version, manifest_sha256=sha256_of(bundle / MANIFEST))
    release = Release(
        **target.model_dump(), run="a-run", commit="", decision="passed", champion=None,
        judged_at=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
    )  # fmt: skip
    (place.release(version) / RECORD).write_bytes(json_bytes(release.model_dump(mode="json")))
    return target


def go_live(place: Place, target: Target) -> None:
    swap_pointer(place, NOTHING.model_copy(update={"live": target}))
