"""Real processes of one training, joined by gloo, without the price of an interpreter each."""

import contextlib
import json
import logging
import multiprocessing
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import safetensors.torch
import torch

from tasks.train import rank
from tasks.train.__main__ import make_job, open_work_folder
from tasks.train.job import JOB, Job, forget_failures, raise_failure, write_record
from tasks.train.node import free_port
from tasks.train.session import RESULT
from tests.tasks.train.workspace import ARGUMENTS

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload([__name__])


Before = Callable[[Path], None]


class Outcome(NamedTuple):
    history: list[str]
    metrics: dict[str, Any]
    weights: dict[str, torch.Tensor]
    file: bytes  # model.safetensors
    log: str


def train_in_ranks(folder: Path, before: Before | None = None) -> Outcome:
    """Train the workspace `folder` as its params say, a process for each rank."""
    work, exit_codes = run_ranks(folder, before)
    logs = [file.read_text() for file in sorted(work.glob("log-*"))]
    raise_failure(work)
    assert set(exit_codes) == {0}, logs
    return read_outcome(work / RESULT, "".join(logs))


def run_ranks(folder: Path, before: Before | None = None) -> tuple[Path, list[int | None]]:
    """The work folder, and how each process ended.

    `before` is called in each process first, with the work folder.
    """
    with contextlib.chdir(folder):
        job, work = prepare()
        port = free_port()
        processes = [
            CONTEXT.Process(target=_run, args=(folder, work, Seat(number, job, port), before))
            for number in range(job.params.scale.num_processes)
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join(120)
        return work.absolute(), [process.exitcode for process in processes]


def prepare() -> tuple[Job, Path]:
    """The job of the workspace in the current folder, ready for processes to take part in."""
    *sources, target = map(Path, ARGUMENTS)
    job = make_job(*sources)
    work = open_work_folder(job, target)
    forget_failures(work)
    write_record(work, JOB, job)
    return job, work


def read_outcome(result: Path, log: str = "") -> Outcome:
    """Of a training's result, or of the stage's outputs."""
    weights = (result / "model/model.safetensors").read_bytes()
    return Outcome(
        (result / "history.csv").read_text().splitlines(),
        json.loads((result / "metrics.json").read_text())["train"],
        safetensors.torch.load(weights),
        weights,
        log,
    )


class Seat(NamedTuple):
    number: int
    job: Job
    port: int

    def environment(self) -> dict[str, str]:
        """As torchrun sets it."""
        number = str(self.number)
        return {
            "RANK": number, "LOCAL_RANK": number, "GROUP_RANK": "0",
            "WORLD_SIZE": str(self.job.params.scale.num_processes),
            "LOCAL_WORLD_SIZE": str(self.job.params.scale.devices),
            "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(self.port),
            "TORCHELASTIC_RUN_ID": "test",
        }  # fmt: skip


def _run(folder: Path, work: Path, seat: Seat, before: Before | None) -> None:
    os.environ |= seat.environment()
    os.chdir(folder)
    with (work / f"log-{seat.number}").open("w") as log:
        sys.stdout = sys.stderr = log
        logging.basicConfig(level=logging.INFO, format="train: %(message)s", stream=log, force=True)
        warnings.simplefilter("error")
        if before:
            before(work)
        rank.main(work)
