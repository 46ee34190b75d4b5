"""A checkout with two releases of real, tiny models; v1.0.0 is live."""

from pathlib import Path

import pytest

from tasks.releases import LIVE, Place
from tests.serving.live import add_release, go_live
from tests.tiny_bundle import package, write_inputs


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    first = tmp_path_factory.mktemp("first")
    second = tmp_path_factory.mktemp("second")
    return package(write_inputs(first)), package(write_inputs(second, ("no", "perhaps", "yes")))


@pytest.fixture
def checkout(bundles: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of the test."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_bytes((bundles[0].parents[1] / "params.yaml").read_bytes())
    place = Place(LIVE)
    go_live(place, add_release(place, "v1.0.0", bundles[0]))
    add_release(place, "v1.1.0", bundles[1])
    return tmp_path
