"""An environment of its own for each peer, from its pinned requirements."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

PEERS = Path(__file__).parent / "peers"
ENVIRONMENTS = PEERS.parents[2] / ".bench/orchestration"
OWN_PACKAGES = {"dvc": "dvc", "flywheel": "prefect", "prefect": "prefect"}


class CannotStart(Exception):
    """Why a peer cannot be measured on this machine."""


def folder_of(tool: str) -> Path:
    """Where the `bin` of its commands is."""
    return Path(sys.prefix) if tool in OWN_PACKAGES else ENVIRONMENTS / tool


def prepare(tool: str) -> str:
    """Install a peer unless it is there already; package and version as Python finds them."""
    if tool in OWN_PACKAGES:
        return f"{OWN_PACKAGES[tool]} {version(OWN_PACKAGES[tool])}"
    folder, requirements = folder_of(tool), PEERS / tool / "requirements.txt"
    stamp = folder / "installed.txt"
    if not stamp.exists() or stamp.read_text() != requirements.read_text():
        print(f"installing {tool} in {folder.relative_to(Path.cwd())} ...", flush=True)
        _run([sys.executable, "-m", "venv", "--clear", str(folder)])
        pip = [str(folder / "bin/python"), "-m", "pip", "install", "--quiet", "--no-deps"]
        _run([*pip, "--requirement", str(requirements)])
        stamp.write_text(requirements.read_text())
    probe = f"import {tool}; from importlib.metadata import version; print(version('{tool}'))"
    return f"{tool} {_run([str(folder / 'bin/python'), '-c', probe]).split()[-1]}"


def _run(command: list[str]) -> str:
    result = subprocess.run(
        command, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if result.returncode:
        lines = result.stdout.strip().splitlines() or [f"exit code {result.returncode}"]
        # pip closes with advice; what went wrong is the line that says so
        raise CannotStart(next((line for line in lines if line.startswith("ERROR")), lines[-1]))
    return result.stdout
