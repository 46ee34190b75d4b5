"""Trial processes side by side, in a process that has other children, too."""

import os
import subprocess
import sys
from pathlib import Path

from tests.tasks.train.workspace import REPOSITORY

# As the first process of a container: an orphan of somebody else has become its child, and ended.
ADOPTER = """
import ctypes, os, subprocess, sys
from pathlib import Path
import psutil
from tasks.errors import FlywheelError
from tasks.sweep.pool import run_trials

assert ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) == 0  # PR_SET_CHILD_SUBREAPER
subprocess.run(["sh", "-c", "true &"], check=True)
os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
assert [child.status() for child in psutil.Process().children()] == [psutil.STATUS_ZOMBIE]
try:
    run_trials(Path("no-study"), 1, 1, 0)
except FlywheelError as error:
    sys.exit(f"{error}; children: {psutil.Process().children()}")
"""


def test_an_adopted_orphan_that_has_ended_holds_no_pool_up(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ADOPTER], cwd=tmp_path, capture_output=True, text=True, timeout=150,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, check=False,
    )  # fmt: skip
    *_, last = done.stderr.splitlines()
    assert last.startswith("a trial's process ended with ")
    assert last.endswith("; children: []")
