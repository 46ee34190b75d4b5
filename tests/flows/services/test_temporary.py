"""A server for one run: found by Prefect in this process, private, and never outliving it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.flows.services.place import Place, end, is_alive, make_place, wait_for

pytestmark = pytest.mark.slow
SCRIPT = """
import sys, time, httpx
from flows.services.address import running_api
from flows.services.temporary import temporary_server
from flows.flywheel import flywheel
assert running_api() is None
with temporary_server() as url:
    print("status", httpx.get(f"{url}/flows/1").status_code, flush=True)
    print("result", flywheel(seconds=float(sys.argv[1]), say="started"))
"""


@pytest.fixture
def alone(tmp_path: Path) -> Place:
    return make_place(tmp_path / "checkout", {})


def servers(place: Place) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(place.folder) and "uvicorn" in process.cmdline():
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_a_run_without_up_is_in_the_history_of_up(alone: Place) -> None:
    result = alone.try_run([sys.executable, "-c", SCRIPT, "0"])
    assert result.returncode == 0, result.stdout
    assert "status 401" in result.stdout
    assert "result done" in result.stdout
    assert "Traceback" not in result.stdout
    assert servers(alone) == []
    try:
        alone.up()
        with alone.client() as client:
            (run,) = [run for run in client.read_flow_runs() if not run.auto_scheduled]
            messages = [line.message for line in client.read_logs()]
        assert run.state_name == "Completed"
        assert any("Finished in state Completed" in message for message in messages)
    finally:
        end(alone)


def test_it_dies_with_the_process_that_wanted_it_and_its_run_is_not_left_running(
    alone: Place,
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, "100"], cwd=alone.folder, env=alone.environment(),
        stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout
        assert process.stdout.readline() == "status 401\n"
        (server,) = servers(alone)
        assert process.stdout.readline() == "started\n"
        os.kill(process.pid, signal.SIGKILL)
        wait_for(lambda: not is_alive(server), 20)
    try:
        alone.up()
        with alone.client() as client:
            (run,) = [run for run in client.read_flow_runs() if not run.auto_scheduled]
        assert run.state_name in ("Running", "Crashed")
        alone.wait_for_state(run.id, "Crashed")
    finally:
        end(alone)


def test_why_it_does_not_start_is_said_in_one_line(alone: Place) -> None:
    (alone.folder / ".prefect").mkdir()
    (alone.folder / ".prefect/prefect.db").write_text("not a database " * 99)
    result = alone.try_run([sys.executable, "-c", SCRIPT, "0"])
    assert result.returncode == 1
    last = result.stdout.splitlines()[-1]
    assert "TemporaryError" in last
    assert "not a database" in last
    assert ".prefect/temporary-server.log" in last
