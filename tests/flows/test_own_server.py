"""`make run` where no server is up: it brings its own, and what a killed run held is free again."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chain import diamond, make_checkout
from tests.flows.last_run import FLYWHEEL
from tests.project import environment, run, try_run

pytestmark = pytest.mark.slow
GATE = "test -e go || sleep 600; "


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Stage `left` takes the slot of the graphics card, and works on until `go` is there."""
    stages = diamond()
    command = f"{GATE}{stages['left']['cmd']}; echo $FLYWHEEL_RUN_URL > link"
    stages["left"] |= {"cmd": command, "meta": {"resource": "gpu"}}
    return make_checkout(tmp_path / "checkout", stages)


@pytest.fixture
def working(checkout: Path) -> Iterator["subprocess.Popen[str]"]:
    """A run in the middle of `left`, in a process group of its own, as a terminal makes it."""
    with subprocess.Popen(
        FLYWHEEL, cwd=checkout, env=environment(), text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        assert process.stdout
        assert any(f"> {GATE}".strip() in line for line in process.stdout)
        yield process
        process.kill()


def test_a_killed_run_holds_no_slot_and_the_next_has_only_the_rest_to_do(
    checkout: Path, working: "subprocess.Popen[str]"
) -> None:
    working.kill()
    working.communicate()
    (checkout / "go").touch()
    result = run(checkout, FLYWHEEL)
    assert re.search("[23] of 4 stages ran, [12] up to date", result.stdout)
    link = (checkout / "link").read_text()  # to where `make up` shows it; this server shows nothing
    assert link.startswith("http://127.0.0.1:4200/flow-runs/flow-run/")
    assert "Nothing to do: all 4 stages were up to date." in run(checkout, FLYWHEEL).stdout


def test_ctrl_c_ends_run_stage_and_server_at_once(
    checkout: Path, working: "subprocess.Popen[str]"
) -> None:
    os.killpg(working.pid, signal.SIGINT)
    output = working.communicate(timeout=150)[0]
    assert working.returncode == 130
    assert "interrupted; nothing half-written was kept" in output.splitlines()[-1]
    assert "Traceback" not in output


def test_a_wrong_stage_is_one_clear_line(checkout: Path) -> None:
    result = try_run(checkout, [*FLYWHEEL, "--from-stage", "lfet"])
    assert result.returncode == 1
    last = result.stdout.splitlines()[-1]
    assert last.endswith("no stage 'lfet' in dvc.yaml; it has source, left, right, join.")
