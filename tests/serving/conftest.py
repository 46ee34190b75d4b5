"""Two tiny models, packaged once for all tests of the service; a place to release them in."""

from pathlib import Path
from typing import NamedTuple

import pytest

from tests.serving.live_place import LivePlace


class Bundles(NamedTuple):
    """Networks of different weights, so that it shows which of them has answered."""

    first: Path
    second: Path


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Bundles:
    from tests import tiny_bundle  # noqa: PLC0415  torch, only where a test needs it

    folders = [
        tiny_bundle.write_inputs(tmp_path_factory.mktemp(f"bundle-{seed}"), seed=seed)
        for seed in (0, 1)
    ]
    return Bundles(*(tiny_bundle.package(folder) for folder in folders))


@pytest.fixture
def live_place(tmp_path: Path) -> LivePlace:
    return LivePlace(tmp_path)
