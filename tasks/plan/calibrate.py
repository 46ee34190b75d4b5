"""How fast this machine trains: a short real training, as the train stage does it."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import psutil
import pytorch_lightning as pl

from tasks.plan.options import Pace, Place
from tasks.plan.params import MEASURED, CalibrationParams
from tasks.plan.work import Training
from tasks.records import LABELLED, read_table, write_table
from tasks.sizing.compute import Speed
from tasks.sizing.hardware import find_hardware
from tasks.train.data import Batch
from tasks.train.job import Job
from tasks.train.model import save_tokenizer
from tasks.train.params import TrainParams
from tasks.train.session import TOKENIZER, train

_NO_TRAFFIC = 1.0  # bytes per second, of links that one process never uses


class Measured(NamedTuple):
    """Tokens, without padding, that one process learns from and validates on in a second."""

    learnt_per_second: float
    validated_per_second: float
    startup_seconds: float  # from the start of this process to the first step


def age() -> float:
    """Seconds since this process began, imports and all."""
    began: float = psutil.Process().create_time()
    return time.time() - began


class Stopwatch(pl.Callback):
    """Seconds and tokens of steps and of validation, without the first steps.

    `clock` tells the seconds since the process began: those of the wall, or the CPU's.
    """

    def __init__(self, num_warmup_steps: int, clock: Callable[[], float]) -> None:
        self.num_warmup_steps = num_warmup_steps
        self.clock = clock
        self.num_learnt = self.num_validated = 0
        self.learning_seconds = self.validating_seconds = self.startup_seconds = 0.0

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: Any, batch: Batch, batch_idx: int
    ) -> None:
        if not self.startup_seconds:
            self.startup_seconds = self.clock()
        if batch_idx == self.num_warmup_steps:
            self.learning_seconds = -self.clock()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        if batch_idx >= self.num_warmup_steps:
            self.num_learnt += int(batch.mask.sum())
        if trainer.is_last_batch:
            self.learning_seconds += self.clock()

    def on_validation_start(self, *_: Any) -> None:
        self.validating_seconds -= self.clock()

    def on_validation_batch_end(
        self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Batch, *_: Any
    ) -> None:
        self.num_validated += int(batch.mask.sum())

    def on_validation_end(self, *_: Any) -> None:
        self.validating_seconds += self.clock()

    def measured(self) -> Measured:
        return Measured(
            self.num_learnt / self.learning_seconds,
            self.num_validated / self.validating_seconds,
            self.startup_seconds,
        )


def calibrate(job: Job, params: CalibrationParams, clock: Callable[[], float] = age) -> Measured:
    """Train `job` on a sample of its texts for so many steps, in this process alone."""
    num_rows = job.params.learning.batch_size * (params.num_warmup_steps + params.num_steps)
    stopwatch = Stopwatch(params.num_warmup_steps, clock)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        short = _short(job.params.model_dump(mode="json"))
        files = {
            "train_file": draw_sample(job.train_file, work / "train.parquet", num_rows),
            "validation_file": draw_sample(
                job.validation_file, work / "validation.parquet", num_rows
            ),
        }
        sample = job.model_copy(update={**files, "params": short})
        save_tokenizer(job.encoder, work / TOKENIZER)
        train(sample, work, [stopwatch])
    return stopwatch.measured()


def here(training: Training, measured: Measured, usable_share: float) -> Place:
    """This machine as a place to train in, one process as fast as it was just now."""
    machine = find_hardware(num_devices=1, num_nodes=1)
    flops = training.encoder.flops_per_token * measured.learnt_per_second
    pace = Pace(
        Speed(flops, _NO_TRAFFIC, _NO_TRAFFIC),
        0.0,
        measured.learnt_per_second / measured.validated_per_second,
        measured.startup_seconds,
        MEASURED,
    )
    return Place(f"here: {machine.name}", machine.memory_bytes, usable_share, pace, None)


def _short(tree: dict[str, Any]) -> TrainParams:
    """One epoch in one process that writes and says as little as it can."""
    tree["learning"] |= {"max_epochs": 1}
    tree["scale"] |= {"strategy": "single", "devices": 1, "nodes": 1, "hybrid_shard": False}
    tree["scale"] |= {"cpu_offload": False}
    tree["run"] |= {"debug": "off"}
    return TrainParams.model_validate(tree)


def draw_sample(source: Path, target: Path, num_rows: int) -> Path:
    """Rows drawn by a fixed seed, so that lengths are mixed as in the whole."""
    table = read_table(source, LABELLED)
    rows = np.random.default_rng(0).permutation(len(table))[:num_rows]
    write_table(target, table.take(rows), LABELLED)
    return target
