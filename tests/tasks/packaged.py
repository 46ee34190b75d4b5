"""A bundle made once for all tests that only look at it or change a copy."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of `tiny_bundle.write_inputs` with the stage's output in package/."""
    from tests import tiny_bundle  # noqa: PLC0415  torch, only where a test needs it

    folder = tiny_bundle.write_inputs(tmp_path_factory.mktemp("packaged"))
    tiny_bundle.package(folder)
    return folder
