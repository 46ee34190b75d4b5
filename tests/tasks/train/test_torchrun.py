"""The real path of many processes: torchrun starts them, restarts them, and ends them all."""

import contextlib
import json
import re
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.tasks.train.ranks import Outcome, train_in_ranks
from tests.tasks.train.workspace import start, write_workspace

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
FSDP = {"strategy": "fsdp", "devices": 2, "num_rows": 61}
SILENT_SECONDS, END_SECONDS = 20, 2


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return train_in_ranks(write_workspace(tmp_path_factory.mktemp("undisturbed"), **FSDP))


def ranks_of(process: "subprocess.Popen[str]") -> dict[int, psutil.Process]:
    """The processes of the training, by rank."""
    found = {}
    for child in psutil.Process(process.pid).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if "tasks.train.rank" in child.cmdline():
                found[int(child.environ()["RANK"])] = child
    return found


@contextlib.contextmanager
def training(folder: Path, until: str, **changes: Any) -> Iterator["subprocess.Popen[str]"]:
    """A training in a process of its own that has said `until`."""
    bounds = {"silent_seconds": SILENT_SECONDS, "end_seconds": END_SECONDS}
    write_workspace(folder, **{**FSDP, **bounds, **changes})
    with start(folder) as process:
        try:
            assert process.stdout is not None
            said = []
            for line in process.stdout:
                said.append(line)
                if re.search(until, line):
                    break
            else:
                pytest.fail("".join(said))
            yield process
        finally:
            process.kill()


def weights_of(folder: Path) -> bytes:
    return (folder / "models/train/model/model.safetensors").read_bytes()


def rest_of(process: "subprocess.Popen[str]") -> str:
    output, _ = process.communicate(timeout=200)
    return output


MID_EPOCH = r"epoch 2 of 3, batch 4 of 8"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_rank_that_dies_or_falls_silent_is_made_good_by_a_restart(
    undisturbed: Outcome, tmp_path: Path, number: signal.Signals
) -> None:
    with training(tmp_path, MID_EPOCH) as process:
        first = ranks_of(process)
        first[1].send_signal(number)
        output = rest_of(process)
    assert process.returncode == 0, output
    assert "resuming from" in output
    assert weights_of(tmp_path) == undisturbed.file
    assert not any(psutil.pid_exists(rank.pid) for rank in first.values())


def test_without_restarts_left_one_line_says_which_rank_and_how(tmp_path: Path) -> None:
    with training(tmp_path, MID_EPOCH, max_restarts=0) as process:
        ranks_of(process)[1].kill()
        output = rest_of(process)
    assert process.returncode == 1
    last = output.strip().splitlines()[-1]
    assert last.startswith("train failed: rank 1 of 2 was ended by SIGKILL (out of memory?); no")
    assert not (tmp_path / "models/train").exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_no_rank_outlives_the_stage(tmp_path: Path, number: signal.Signals) -> None:
    with training(tmp_path, MID_EPOCH) as process:
        ranks = list(ranks_of(process).values())
        assert len(ranks) == 2
        process.send_signal(number)
        output = rest_of(process)
    assert process.returncode != 0
    assert psutil.wait_procs(ranks, timeout=5)[1] == []
    if number == signal.SIGINT:
        record = json.loads((tmp_path / ".run/train.json").read_text())
        assert "interrupted" in record["failure"], output


def test_what_a_rank_finds_wrong_is_the_stages_own_error(tmp_path: Path) -> None:
    with training(tmp_path, "2 processes", learning_rate=1e30, head_learning_rate=1e30) as process:
        output = rest_of(process)
    assert process.returncode == 1
    last = output.strip().splitlines()[-1]
    assert re.match(r"train failed: the loss at step \d+ is .* in rank \d; it must be finite", last)
    assert output.count("has met the others") == 2  # no restart tries what cannot succeed


def test_each_line_says_its_rank_each_rank_has_a_log_and_the_first_alone_tracks(
    tmp_path: Path,
) -> None:
    loggers = ["wandb", "tensorboard", "mlflow"]
    with training(tmp_path, "2 processes", max_epochs=1, loggers=loggers) as process:
        output = rest_of(process)
    assert process.returncode == 0, output
    tracking = tmp_path / ".run/tracking"
    assert len(list(tracking.glob("wandb/offline-run-*/*.wandb"))) == 1
    assert len(list(tracking.glob("tensorboard/**/events.out.tfevents.*"))) == 1
    with contextlib.closing(sqlite3.connect(tracking / "mlflow/mlflow.db")) as database:
        assert database.execute("SELECT count(*) FROM runs").fetchone() == (1,)
    assert "[rank 0] train: process 1 of 2 has met the others" in output
    assert "[rank 1] train: process 2 of 2 has met the others" in output
    logs = [file.read_text() for file in tmp_path.glob(".run/train-ranks/*/attempt_0/*/stdout.log")]
    assert sorted(re.findall(r"process \d", "".join(logs))) == ["process 1", "process 2"]


def test_a_loud_rank_does_not_wait_for_a_reader(tmp_path: Path) -> None:
    """Nobody reads what the stage says, and a pipe holds 64 KiB; the ranks write to files."""
    loud = {
        "max_epochs": 40, "log_every_batches": 1, "patience_epochs": 40, "num_rows": 512,
        "checkpoint_seconds": 1e6,
    }  # fmt: skip
    with training(tmp_path, "has met", **loud):
        (log,) = tmp_path.glob(".run/train-ranks/*/attempt_0/0/stdout.log")
        deadline = time.monotonic() + 200
        while log.stat().st_size < 90_000 and time.monotonic() < deadline:
            time.sleep(0.2)
        assert log.stat().st_size >= 90_000
