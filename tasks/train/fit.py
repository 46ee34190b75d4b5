"""One training from start, or from its last checkpoint, to the best weights."""

import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytorch_lightning as pl
import torch
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from pytorch_lightning.callbacks import EarlyStopping
from pytorch_lightning.loggers import Logger

from tasks.tracking.record import StepRecord
from tasks.train.checkpoint import LAST, find_newest
from tasks.train.data import Examples, train_loader, validation_loader
from tasks.train.held import Held
from tasks.train.history import History, Speedometer
from tasks.train.module import ClassifierModule
from tasks.train.params import RunParams, ScaleParams, TrainParams
from tasks.train.processes import device_kind, find_seat, tell_all
from tasks.train.saving import YARDSTICKS, Checkpoints
from tasks.train.strategy import PRECISIONS, make_strategy

log = logging.getLogger(__name__)
_HARMLESS = (
    ".*does not have many workers.*",  # the data is in memory; a worker would only copy it
    ".*The number of training batches .* is smaller than the logging interval.*",
    ".*when logging on epoch level in distributed setting.*",  # step and epoch are alike in all
    ".*`isinstance.treespec, LeafSpec.` is deprecated.*",  # Lightning 2.6 with torch 2.13
)


class Fitted(NamedTuple):
    rows: list[dict[str, float]]  # the curve, one row per epoch
    num_steps: int
    best: Path  # checkpoint with the best epoch's weights
    best_step: int  # the last of that epoch
    held: list[dict[str, int]]  # bytes that each process held, by rank

    def best_row(self) -> dict[str, float]:
        """Of the curve: the epoch whose weights are kept."""
        (row,) = [row for row in self.rows if row["step"] == self.best_step]
        return row


class Work(NamedTuple):
    """What a training has besides data and params."""

    folder: Path  # keeps what a resume needs
    loggers: Sequence[Logger] = ()
    callbacks: Sequence[pl.Callback] = ()
    record: Path | None = None  # takes the series of all logged steps; None: nobody wants it


def fit(
    module: ClassifierModule, train: Examples, validation: Examples, params: TrainParams, work: Work
) -> Fitted:
    """Train, leaving the best epoch's weights in a checkpoint of `work`.

    Every process calls this with the same arguments.
    """
    torch.set_num_threads(params.run.threads or num_threads(params.scale))
    history, held = History(), Held()
    series, better = yardstick = YARDSTICKS[params.learning.choose_epoch_by]
    checkpoints = Checkpoints(work.folder, params.run.checkpoint_seconds, yardstick)
    own = [
        history,
        held,
        EarlyStopping(series, mode=better, patience=params.learning.patience_epochs),
        # before the checkpoints: what one of them knows of has been recorded
        Speedometer(params.run.log_every_batches, StepRecord(work.record) if work.record else None),
        checkpoints,
    ]
    seat = find_seat(params.scale.gradient_accumulation)
    with _quiet(), _interruptible():
        trainer = _make_trainer(params, [*own, *work.callbacks], work.loggers)
        trainer.fit(
            module,
            train_loader(train, params.learning, params.run, seat),
            validation_loader(validation, params.learning, seat),
            ckpt_path=_find_last(work.folder, params.run),
            weights_only=True,
        )
    best = checkpoints.best_folder()
    return Fitted(history.rows, trainer.global_step, best, checkpoints.best_step, held.by_rank)


def num_threads(scale: ScaleParams) -> int:
    """An equal share of the CPUs for each process of this machine."""
    return max(1, len(os.sched_getaffinity(0)) // max(1, scale.devices))


def _find_last(folder: Path, run: RunParams) -> Path | None:
    """The first process looks, since a process each would read every byte again."""
    last = None
    if run.debug == "off" and find_seat().rank == 0:
        last = find_newest(folder, LAST)
    last = tell_all(last)[0]
    if last:
        log.info("resuming from %s", last)
    return last


def _make_trainer(
    params: TrainParams, callbacks: list[pl.Callback], loggers: Sequence[Logger]
) -> pl.Trainer:
    scale, run = params.scale, params.run
    is_alone = scale.strategy == "single"
    return pl.Trainer(
        accelerator=device_kind(),
        devices=1 if is_alone else scale.devices,
        num_nodes=scale.nodes,
        strategy=make_strategy(scale),
        # named, since Lightning would take a Slurm job's variables for its own
        plugins=[] if is_alone else [TorchElasticEnvironment()],
        precision=PRECISIONS[scale.precision],
        accumulate_grad_batches=scale.gradient_accumulation,
        use_distributed_sampler=False,
        max_epochs=params.learning.max_epochs,
        deterministic=run.deterministic,
        fast_dev_run=run.debug == "fast_dev_run",
        callbacks=callbacks,
        logger=list(loggers),
        log_every_n_steps=run.log_every_batches,
        num_sanity_val_steps=0,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


@contextmanager
def _interruptible() -> Iterator[None]:
    """Lightning answers Ctrl-C with `sys.exit(1)`; the stage's frame wants to know what it was."""
    try:
        yield
    except SystemExit as ending:
        raise KeyboardInterrupt from ending


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Lightning's notes on hardware and its hints that do not apply here."""
    logger: Any = logging.getLogger("pytorch_lightning")
    level = logger.level
    logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        for message in _HARMLESS:
            warnings.filterwarnings("ignore", message)
        try:
            yield
        finally:
            logger.setLevel(level)
