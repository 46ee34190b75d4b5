"""What a run starts ends with it: commands on a leash, stages below them, and their children."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.project import REPOSITORY

SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
PARENT = """
import subprocess, sys
from flows.leash import leashed
child = subprocess.Popen(leashed(sys.argv[1:]), stdout=subprocess.PIPE, text=True)
child.stdout.readline()
print(child.pid, flush=True)
child.wait()
"""


def gone(pid: int) -> bool:
    """A killed process that nobody has waited for is a zombie, not alive."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_for(happened: Callable[[], bool], seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def start(program: str, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments], cwd=REPOSITORY, text=True,
        stdout=subprocess.PIPE,
    )  # fmt: skip


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_leashed_command_ends_with_its_parent(number: signal.Signals) -> None:
    with start(PARENT, *SLEEPER) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        assert psutil.pid_exists(child)
        parent.send_signal(number)
    assert wait_for(lambda: gone(child))


def test_a_command_whose_parent_is_gone_already_does_not_start(tmp_path: Path) -> None:
    target = tmp_path / "written"
    # the shell starts the leash in the background and is gone before Python is up
    here = f"{sys.executable} -m flows.leash --parent=$$ touch {target} & exit 0"
    subprocess.run(["sh", "-c", here], cwd=REPOSITORY, check=True)
    time.sleep(1.5)
    assert not target.exists()


def test_a_stage_whose_dvc_is_gone_does_not_start(tmp_path: Path) -> None:
    stage = "from tasks.stage import die_with_parent; die_with_parent(); print('went on')"
    result = subprocess.run(
        [sys.executable, "-c", stage], cwd=REPOSITORY, text=True, check=False, capture_output=True,
        env={**os.environ, "FLYWHEEL_PARENT_PID": "999999999"},
    )  # fmt: skip
    assert result.returncode != 0
    assert "went on" not in result.stdout
    assert "999999999" in result.stderr


def test_a_run_ends_soon_after_its_worker() -> None:
    watch = "from flows.leash import follow_worker; follow_worker()"
    run = f"{watch}; print('up', flush=True); import time; time.sleep(600)"
    # a stand-in with a worker's command line: worker -> supervisor of the run -> run, as in Prefect
    supervisor = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {run!r}])"
    worker = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {supervisor!r}])"
    with start(worker, "worker", "start") as process:
        assert process.stdout
        assert process.stdout.readline() == "up\n"
        children = [child.pid for child in psutil.Process(process.pid).children(recursive=True)]
        assert len(children) == 2
        process.kill()
    assert wait_for(lambda: all(gone(child) for child in children))
