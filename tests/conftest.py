"""What every test needs before a library is imported: no network, no telemetry; and a bundle."""

import os
from pathlib import Path

import pytest

os.environ |= {
    "HF_HUB_OFFLINE": "1",
    "WANDB_MODE": "offline",
    "GX_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "DVC_NO_ANALYTICS": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


@pytest.fixture(scope="session")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of `tiny_bundle.write_inputs` with the stage's output in package/.

    Made once, for tests that only look at it or change a copy.
    """
    from tests import tiny_bundle  # noqa: PLC0415  torch, only where a test needs it

    folder = tiny_bundle.write_inputs(tmp_path_factory.mktemp("packaged"))
    tiny_bundle.package(folder)
    return folder
