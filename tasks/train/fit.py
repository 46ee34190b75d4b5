"""One training from start, or from its last checkpoint, to the best weights."""

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EarlyStopping, ModelCheckpoint
from pytorch_lightning.loggers import Logger

from tasks.train.checkpoint import LastCheckpoint, WholeCheckpointIO, find_last
from tasks.train.data import Examples, train_loader, validation_loader
from tasks.train.history import History, Speedometer
from tasks.train.module import ClassifierModule
from tasks.train.params import LearningParams, RunParams

log = logging.getLogger(__name__)
MONITOR = "validation/macro_f1"
_HARMLESS = (
    ".*does not have many workers.*",  # the data is in memory; a worker would only copy it
    ".*Checkpoint directory .* exists and is not empty.*",  # resuming is the point
    ".*The number of training batches .* is smaller than the logging interval.*",
    ".*`isinstance.treespec, LeafSpec.` is deprecated.*",  # Lightning 2.6 with torch 2.13
)


class Fitted(NamedTuple):
    rows: list[dict[str, float]]  # the curve, one row per epoch
    num_steps: int


def fit(
    module: ClassifierModule, train: Examples, validation: Examples, run: RunParams, work: "Work"
) -> Fitted:
    """Train, leaving the best epoch's weights in `module`; `work` keeps what a resume needs."""
    torch.set_num_threads(run.threads or len(os.sched_getaffinity(0)))
    history = History()
    best = ModelCheckpoint(
        work.folder, "best", monitor=MONITOR, mode="max", save_weights_only=True,
        enable_version_counter=False,
    )  # fmt: skip
    callbacks = [
        history,
        best,
        EarlyStopping(MONITOR, mode="max", patience=module.learning.patience_epochs),
        LastCheckpoint(work.folder, run.checkpoint_seconds),
        Speedometer(run.log_every_batches),
    ]
    last = find_last(work.folder) if run.debug == "off" else None
    if last:
        log.info("resuming from %s", last)
    with _quiet(), _interruptible():
        trainer = _make_trainer(module.learning, run, callbacks, work.loggers)
        trainer.fit(
            module,
            train_loader(train, module.learning, run),
            validation_loader(validation, module.learning),
            ckpt_path=last,
            weights_only=True,
        )
    if best.best_model_path:
        state = torch.load(best.best_model_path, map_location="cpu", weights_only=True)
        module.load_state_dict(state["state_dict"])
    return Fitted(history.rows, trainer.global_step)


class Work(NamedTuple):
    folder: Path
    loggers: list[Logger]


def _make_trainer(
    learning: LearningParams, run: RunParams, callbacks: list[pl.Callback], loggers: list[Logger]
) -> pl.Trainer:
    return pl.Trainer(
        accelerator="auto",
        devices=1,
        precision=run.precision,
        max_epochs=learning.max_epochs,
        deterministic=run.deterministic,
        fast_dev_run=run.debug == "fast_dev_run",
        callbacks=callbacks,
        logger=loggers,
        plugins=[WholeCheckpointIO()],
        log_every_n_steps=run.log_every_batches,
        num_sanity_val_steps=0,
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
