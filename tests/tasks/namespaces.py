"""A shell of its own mounts: small and read-only disks that vanish with it, no root needed."""

import os
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).parents[2]


def in_namespace(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a shell script in `folder`; the test does not pass where that is not allowed."""
    probe = run("mount -t tmpfs -o size=16k none .", folder)
    if probe.returncode != 0:
        leave_untested(f"this machine allows no private mounts: {probe.stderr.strip()}")
    return run(script, folder)


def bound_by_permissions() -> list[str]:
    """What to put before a command so that modes of files bind it, which do not bind root."""
    if os.geteuid() != 0:
        return []
    command = ["setpriv", "--bounding-set", "-dac_override"]
    probe = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
    if probe.returncode != 0:
        leave_untested(f"root may not give up its rights here: {probe.stderr.strip()}")
    return command


def leave_untested(reason: str) -> NoReturn:
    """Skip the test with the reason; fail it where CI is set, since nobody reads skips there."""
    if os.environ.get("CI"):
        remedy = "Let CI's container unshare mounts and drop capabilities, or unset CI to skip"
        pytest.fail(f"NOT TESTED: {reason}. {remedy} this test.", pytrace=False)
    pytest.skip(f"NOT TESTED: {reason}")


def run(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "bash", "-c", script],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
