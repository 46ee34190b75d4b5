"""The frame around every stage, by real processes: exit codes, the last line, the record, death."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.tasks.namespaces import ROOT

DEMO = """
import errno, logging, os, time
from pathlib import Path
from tasks import stage
from tasks.artifacts import whole_folder
from tasks.errors import GateError, TemporaryError
def main(source: Path, target: Path) -> None:
    "Demonstrate."
    logging.getLogger("demo").info("from %s to %s", source, target)
    with whole_folder(target) as folder:
        (folder / "half").write_text("half")
        BODY
stage.run("demo", main)
"""


def start(folder: Path, body: str, *paths: str) -> subprocess.Popen[str]:
    (folder / "demo.py").write_text(DEMO.replace("BODY", body))
    return subprocess.Popen(
        [sys.executable, "demo.py", *(paths or ("in", "out"))],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str], folder: Path) -> tuple[int, str, str, dict[str, object]]:
    output, errors = process.communicate(timeout=60)
    record = folder / ".run/demo.json"
    return process.returncode, output, errors, json.loads(record.read_text())


def test_a_stage_that_goes_well_logs_and_leaves_its_record(tmp_path: Path) -> None:
    code, output, errors, record = finish(start(tmp_path, "time.sleep(0.2)"), tmp_path)
    assert (code, errors) == (0, "")
    assert output == "demo: from in to out\n"
    assert (tmp_path / "out/half").read_text() == "half"
    assert record["failure"] is None
    assert 0.2 <= record["seconds"] < 20
    assert 5 < record["peak_memory_mib"] < 500
    assert abs(time.time() - record["started"]) < 60


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ("raise GateError('f1 0.5,\\n at least 0.7')", 1, "f1 0.5, at least 0.7"),
        ("raise TemporaryError('no network')", 75, "no network"),
        (
            "raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), 'big')",
            1,
            "No space left on device (big); free some space and run again",
        ),
        (
            "raise OSError(errno.EACCES, os.strerror(errno.EACCES))",
            1,
            "Permission denied (out); let this user read and write there and run again",
        ),
        (
            "raise KeyboardInterrupt",
            130,
            "interrupted; nothing half-written was kept, run again to go on",
        ),
    ],
)
def test_a_failure_is_one_line_an_exit_code_and_a_record(
    tmp_path: Path, body: str, code: int, message: str
) -> None:
    found, _, errors, record = finish(start(tmp_path, body), tmp_path)
    assert (found, errors) == (code, f"demo failed: {message}\n")
    assert record["failure"] == message
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".out*"))


def test_what_nobody_foresaw_shows_its_traceback_and_ends_in_one_line(tmp_path: Path) -> None:
    code, _, errors, record = finish(start(tmp_path, "raise ZeroDivisionError('x')"), tmp_path)
    assert code not in (0, 75)
    assert "Traceback" in errors
    assert errors.splitlines()[-1].startswith("demo failed: ZeroDivisionError: x")
    assert "ZeroDivisionError" in str(record["failure"])


def test_ctrl_c_leaves_nothing_half_written(tmp_path: Path) -> None:
    process = start(tmp_path, "print('ready', flush=True); time.sleep(60)")
    assert process.stdout
    while "ready" not in process.stdout.readline():
        pass
    process.send_signal(signal.SIGINT)
    code, _, errors, _ = finish(process, tmp_path)
    assert code == 130
    assert errors.startswith("demo failed: interrupted")
    assert {path.name for path in tmp_path.iterdir()} == {"demo.py", ".run"}


def test_missing_arguments_are_named_and_nothing_runs(tmp_path: Path) -> None:
    process = start(tmp_path, "pass", "only-one")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "the following arguments are required: target" in errors
    assert not (tmp_path / ".run").exists()


def test_a_stage_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    (tmp_path / "demo.py").write_text(
        DEMO.replace("BODY", "print(os.getpid(), flush=True); time.sleep(60)")
    )
    shell = subprocess.Popen(
        ["sh", "-c", f"{sys.executable} demo.py in out; true"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert shell.stdout
    with shell.stdout as output:
        output.readline()
        stage = int(output.readline())
        os.kill(stage, 0)
        shell.kill()
        shell.wait()
        for _ in range(100):
            if not is_running(stage):
                break
            time.sleep(0.05)
    assert not is_running(stage)


def is_running(process: int) -> bool:
    """Neither gone nor a zombie that its new parent has not buried yet."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
