"""The slurm launcher, on submitit's own executor for one machine without a scheduler."""

import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from tests.tasks.train.ranks import train_in_ranks
from tests.tasks.train.workspace import start, train_apart, write_workspace

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
SLURM = {
    "strategy": "fsdp", "devices": 2, "launcher": "slurm", "cluster": "local", "gpus": False,
    "cpus_per_node": 2, "max_epochs": 1,
}  # fmt: skip


def test_a_job_ends_in_the_same_weights_and_shows_its_log(tmp_path: Path) -> None:
    write_workspace(tmp_path / "slurm", **SLURM)
    status, output = train_apart(tmp_path / "slurm")
    assert status == 0, output
    assert "submitted as job" in output
    assert "[rank 1] train: process 2 of 2 has met the others" in output
    undisturbed = train_in_ranks(
        write_workspace(tmp_path / "local", **SLURM | {"launcher": "local"})
    )
    weights = (tmp_path / "slurm/models/train/model/model.safetensors").read_bytes()
    assert weights == undisturbed.file


def test_what_a_rank_finds_wrong_comes_back(tmp_path: Path) -> None:
    write_workspace(tmp_path, **SLURM, learning_rate=1e30, head_learning_rate=1e30)
    status, output = train_apart(tmp_path)
    assert status == 1
    assert "train failed: the loss at step" in output.splitlines()[-1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_the_job_ends_with_the_stage_that_asked_for_it(
    tmp_path: Path, number: signal.Signals
) -> None:
    """Interrupted, the stage cancels it; killed, it stops renewing the job's lease."""
    write_workspace(tmp_path, **SLURM | {"max_epochs": 200}, silent_seconds=20, end_seconds=1)
    with start(tmp_path) as process:
        assert process.stdout is not None
        assert any("epoch 2 of" in line for line in process.stdout)
        nodes = [one for one in psutil.process_iter() if is_of(one, tmp_path)]
        ranks = [one for one in nodes if "tasks.train.rank" in " ".join(one.cmdline())]
        assert len(ranks) == 2
        process.send_signal(number)
        process.stdout.read()
    started = time.monotonic()
    assert psutil.wait_procs(nodes, timeout=90)[1] == []
    assert time.monotonic() - started < 90


def is_of(process: psutil.Process, folder: Path) -> bool:
    """Works in the folder, and is not this test."""
    try:
        return process.cwd() == str(folder) and process.pid != os.getpid()
    except psutil.Error:
        return False
