"""Two machines, as far as one kernel goes: two networks, a wire between them, a shared folder."""

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tasks.train.node import free_port
from tests.flows.second_machine import Machine, second_machine
from tests.tasks.train.ranks import Outcome, train_in_ranks
from tests.tasks.train.test_torchrun import rest_of, weights_of
from tests.tasks.train.workspace import REPOSITORY, start, write_workspace

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
PLAIN = {"strategy": "fsdp", "num_rows": 61}
MID_EPOCH = r"epoch 2 of 3, batch 4 of 8"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """On one machine."""
    return train_in_ranks(write_workspace(tmp_path_factory.mktemp("one"), devices=2, **PLAIN))


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    root = tmp_path_factory.mktemp("two")
    (root / "hidden").mkdir()
    with second_machine(root / "second", hidden=root / "hidden") as machine:
        yield machine


@contextlib.contextmanager
def first_node(
    folder: Path, second: Machine, **changes: Any
) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """The stage on the first machine, and the command that it says the other is to run."""
    write_workspace(
        folder, devices=1, nodes=2, rendezvous=f"{second.first_address}:{free_port()}",
        end_seconds=2, **{**PLAIN, "join_seconds": 120, **changes},
    )  # fmt: skip
    with start(folder) as process:
        try:
            assert process.stdout is not None
            invitation = next(line for line in process.stdout if "on each other node" in line)
            yield process, invitation.split("python -m ")[1].strip()
        finally:
            process.kill()


def join(folder: Path, second: Machine, module: str) -> Any:
    words = ["bash", "-c", f"cd {folder} && exec {sys.executable} -m {module}"]
    return second.running(words, PYTHONPATH=str(REPOSITORY))


def wait_for_line(process: "subprocess.Popen[str]", pattern: str) -> None:
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if re.search(pattern, line):
            return
    pytest.fail("".join(said))


def test_a_rank_on_each_ends_in_the_bytes_of_both_on_one(
    undisturbed: Outcome, second: Machine, tmp_path: Path
) -> None:
    folder = tmp_path / "shared"
    with first_node(folder, second) as (process, module), join(folder, second, module):
        output = rest_of(process)
    assert process.returncode == 0, output + second.log()
    assert weights_of(folder) == undisturbed.file
    assert "[rank 1] train: process 2 of 2 has met the others" in second.log()


def test_a_node_that_was_lost_and_comes_back_is_taken_in_again(
    undisturbed: Outcome, second: Machine, tmp_path: Path
) -> None:
    folder = tmp_path / "shared"
    with first_node(folder, second) as (process, module):
        with join(folder, second, module):
            wait_for_line(process, MID_EPOCH)  # and then it is switched off
        with join(folder, second, module):
            output = rest_of(process)
    assert process.returncode == 0, output + second.log()
    assert "resuming from" in output
    assert weights_of(folder) == undisturbed.file


def test_a_node_behind_a_cut_wire_ends_in_a_clear_error(second: Machine, tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    bounds = {"silent_seconds": 20, "join_seconds": 40}
    with first_node(folder, second, **bounds) as (process, module), join(folder, second, module):
        wait_for_line(process, MID_EPOCH)
        second.cut()
        output = rest_of(process)
        second.mend()
    assert process.returncode == 75, output
    last = output.strip().splitlines()[-1]
    assert "the 2 nodes did not meet at" in last
    assert "train.launch.join_seconds = 40" in last
    assert list(folder.glob("models/.train.unfinished/*/last-*/manifest.json"))
