"""Where each orchestrator is installed."""

import sys
from pathlib import Path

from benchmarks.environments import prepare_own, prepare_peer

PEERS = Path(__file__).parent / "peers"
ENVIRONMENTS = PEERS.parents[2] / ".bench/orchestration"
OWN_PACKAGES = {"dvc": "dvc", "flywheel": "prefect", "prefect": "prefect"}


def folder_of(tool: str) -> Path:
    """Where the `bin` of its commands is."""
    return Path(sys.prefix) if tool in OWN_PACKAGES else ENVIRONMENTS / tool


def prepare(tool: str) -> str:
    """Package and version; CannotStart."""
    if tool in OWN_PACKAGES:
        return prepare_own(OWN_PACKAGES[tool])
    return prepare_peer(tool, PEERS / tool / "requirements.txt", folder_of(tool))
