"""An environment of its own for each peer of a benchmark, from its pinned requirements."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path


class CannotStart(Exception):
    """Why a peer cannot be measured on this machine."""


def install(requirements: Path, folder: Path) -> None:
    """Make the environment unless it is there as the requirements say."""
    stamp = folder / "installed.txt"
    if stamp.exists() and stamp.read_text() == requirements.read_text():
        return
    print(f"installing {folder.name} in {folder.relative_to(Path.cwd())} ...", flush=True)
    run_quietly([sys.executable, "-m", "venv", "--clear", str(folder)])
    pip = [str(folder / "bin/python"), "-m", "pip", "install", "--quiet", "--no-deps"]
    run_quietly([*pip, "--requirement", str(requirements)])
    stamp.write_text(requirements.read_text())


def prepare_own(package: str) -> str:
    """Of a package that our own environment has."""
    return f"{package} {version(package)}"


def prepare_peer(package: str, requirements: Path, folder: Path) -> str:
    """Install it if need be; package and version as its environment finds them."""
    install(requirements, folder)
    probe = f"import {package}; from importlib.metadata import version; print(version('{package}'))"
    return f"{package} {run_quietly([str(folder / 'bin/python'), '-c', probe]).split()[-1]}"


def run_quietly(command: list[str]) -> str:
    result = subprocess.run(
        command, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if result.returncode:
        lines = result.stdout.strip().splitlines() or [f"exit code {result.returncode}"]
        # pip closes with advice; what went wrong is the line that says so
        raise CannotStart(next((line for line in lines if line.startswith("ERROR")), lines[-1]))
    return result.stdout
