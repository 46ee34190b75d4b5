"""A dvc command streams, is bounded, and leaves nobody behind."""

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from flows.dvc_process import end_all, run_dvc
from tests.chain import make_checkout, write_graph
from tests.flows.test_leash import gone, wait_for
from tests.project import REPOSITORY

# a stage with children of its own, as a launcher of training processes has
FAMILY = "sleep 600 & sleep 600 & echo children up; wait"
TIDY = "trap 'echo tidied up; exit 1' INT; echo up; while true; do sleep 0.1; done"
# a daemon that left its stage's group and keeps the stage's output open
DAEMON = "setsid sleep 30 & echo done"
STAGES = {
    "daemon": {"cmd": DAEMON},
    "talk": {"cmd": "echo one; sleep 1; echo two >&2"},
    "fail": {"cmd": "for i in $(seq 30); do echo line $i; done; exit 7"},
    "family": {"cmd": FAMILY},
    "tidy": {"cmd": TIDY},
}


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(make_checkout(tmp_path, STAGES))
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    return tmp_path


def repro(stage: str) -> list[str]:
    return ["repro", "--single-item", stage]


def below(process: psutil.Process) -> list[int]:
    """Who works below it, without the host, which stays for the next command."""
    hosts = process.children()
    return [child.pid for child in process.children(recursive=True) if child not in hosts]


def test_lines_arrive_while_the_stage_runs_and_stderr_is_among_them(checkout: Path) -> None:
    arrived: dict[str, float] = {}
    finished = run_dvc(repro("talk"), lambda line: arrived.setdefault(line, time.monotonic()))
    assert finished.exit_code == 0
    assert arrived["two"] - arrived["one"] > 0.8
    assert {"one", "two"} <= set(finished.last_lines)


def test_a_failure_keeps_its_last_lines_and_its_exit_code(checkout: Path) -> None:
    finished = run_dvc(repro("fail"), lambda line: None)
    assert finished.exit_code != 0
    assert "line 30" in finished.last_lines
    assert "line 1" not in finished.last_lines
    assert "exited with 7" in "\n".join(finished.last_lines)


def test_a_stage_that_takes_too_long_is_ended_with_its_children(checkout: Path) -> None:
    seen: list[int] = []

    def note(line: str) -> None:
        if line == "children up":
            seen.extend(below(psutil.Process()))

    finished = run_dvc(repro("family"), note, timeout_seconds=4)
    assert finished.timed_out
    assert len(seen) >= 3
    assert wait_for(lambda: all(gone(pid) for pid in seen))


@pytest.mark.parametrize(("stage", "last_word"), [("family", "children up"), ("tidy", "tidied up")])
def test_a_cancelled_run_ends_its_stages_in_order_and_their_children(
    checkout: Path, stage: str, last_word: str
) -> None:
    lines: list[str] = []
    thread = threading.Thread(target=run_dvc, args=(repro(stage), lines.append))
    thread.start()
    assert wait_for(lambda: any("up" in line for line in lines if "echo" not in line), 30)
    family = below(psutil.Process())
    end_all()
    thread.join(10)
    assert not thread.is_alive()
    assert wait_for(lambda: all(gone(pid) for pid in family))
    assert last_word in lines


@pytest.mark.parametrize("victim", ["run", "dvc_host", "dvc"])
def test_a_stages_own_children_do_not_outlive_the_killed_either(
    checkout: Path, victim: str
) -> None:
    program = f"from flows.dvc_process import run_dvc; run_dvc({repro('family')!r}, print)"
    run = subprocess.Popen([sys.executable, "-u", "-c", program], text=True, stdout=subprocess.PIPE)
    try:
        assert run.stdout
        assert any(line == "children up\n" for line in run.stdout)
        (host,) = psutil.Process(run.pid).children()
        family = psutil.Process(run.pid).children(recursive=True)
        dvc = host.children()[0].children()[0]
        {"run": psutil.Process(run.pid), "dvc_host": host, "dvc": dvc}[victim].kill()
        below_host = [process.pid for process in family if process != host]
        assert len(below_host) >= 5  # who keeps dvc, dvc, the stage and its two children
        assert wait_for(lambda: all(map(gone, below_host)))
    finally:
        run.kill()
        run.communicate()


@pytest.mark.parametrize("victim", ["run", "dvc_host", "dvc"])
def test_nobody_outlives_a_killed_run_or_a_killed_dvc(checkout: Path, victim: str) -> None:
    program = f"from flows.dvc_process import run_dvc; run_dvc({repro('python')!r}, print)"
    stage = "from tasks.stage import die_with_parent; die_with_parent(); print('up')"
    (checkout / "stage.py").write_text(f"{stage}\nimport time\ntime.sleep(600)\n")
    (checkout / "dvc.yaml").write_text("stages: {python: {cmd: exec python stage.py}}")
    with subprocess.Popen(
        [sys.executable, "-u", "-c", program], text=True, stdout=subprocess.PIPE
    ) as run:
        assert run.stdout
        assert any(line == "up\n" for line in run.stdout)
        family = psutil.Process(run.pid).children(recursive=True)
        # each the parent of the next: the host, who keeps the command, dvc, its stage
        host, _keeper, dvc, stage_process = sorted(family, key=lambda process: process.pid)
        assert stage_process.parent() == dvc
        victims = {"run": psutil.Process(run.pid), "dvc_host": host, "dvc": dvc}
        victims[victim].send_signal(signal.SIGKILL)
        below = [dvc, stage_process] if victim == "dvc" else family
        assert wait_for(lambda: all(gone(process.pid) for process in below))
        run.kill()


def test_a_killed_host_is_replaced(checkout: Path) -> None:
    assert run_dvc(["version"], lambda line: None).exit_code == 0
    (host,) = (
        child for child in psutil.Process().children() if "flows.dvc_host" in child.cmdline()
    )
    host.kill()
    assert wait_for(lambda: gone(host.pid))
    assert run_dvc(["version"], lambda line: None).exit_code == 0


def test_a_daemon_that_holds_the_output_does_not_hold_the_run(checkout: Path) -> None:
    began = time.monotonic()
    finished = run_dvc(repro("daemon"), lambda line: None)
    assert time.monotonic() - began < 25
    assert finished.exit_code == 0
    assert "done" in finished.last_lines


def test_a_long_environment_reaches_the_stage(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(30):
        monkeypatch.setenv(f"LONG_{number}", "x" * 10_000)
    stage = {"cmd": "printenv LONG_29 | wc -c"}
    write_graph(checkout, {"long": stage})
    assert "10001" in run_dvc(repro("long"), lambda line: None).last_lines
