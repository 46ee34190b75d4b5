"""A checkout with two releases of real, tiny models; v1.0.0 is live."""

import datetime

import pytest

from tasks.artifacts import write_json
from tasks.releases import RECORD, Release
from tests.serving.conftest import Bundles
from tests.serving.live_place import LivePlace


@pytest.fixture
def checkout(bundles: Bundles, live_place: LivePlace, monkeypatch: pytest.MonkeyPatch) -> LivePlace:
    """The working folder of the test."""
    monkeypatch.chdir(live_place.folder)
    for version, bundle in zip(("v1.0.0", "v1.1.0"), bundles, strict=True):
        target = live_place.release(version, bundle)
        release = Release(
            **target.model_dump(), run="a-run", commit="", decision="passed", champion=None,
            judged_at=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
        )  # fmt: skip
        record = live_place.place.release(version) / RECORD
        write_json(record, release.model_dump(mode="json"))
        if version == "v1.0.0":
            live_place.point(target)
    return live_place
