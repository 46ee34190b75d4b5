"""A shell of its own mounts: small and read-only disks that vanish with it, no root needed."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def in_namespace(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a shell script in `folder`; the test is skipped, with the reason, where not allowed."""
    probe = run("mount -t tmpfs -o size=16k none .", folder)
    if probe.returncode != 0:
        pytest.skip(f"NOT TESTED: this machine allows no private mounts: {probe.stderr.strip()}")
    return run(script, folder)


def run(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "bash", "-c", script],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
