"""When training saves: now and then where it stands, and after a validation the best weights."""

import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl

from tasks.train.checkpoint import BEST, LAST, drop_older, folder_of
from tasks.train.processes import follow_first

# the series of each value of train.learning.choose_epoch_by, and which end of it is better
YARDSTICKS = {"loss": ("validation/loss", "min"), "macro_f1": ("validation/macro_f1", "max")}


class Checkpoints(pl.Callback):
    """`last`: where training stands, at most every so many seconds, between two optimizer steps.
    `best`: the weights of the epoch with the best score so far.

    `last` is never saved after an epoch's final step: its validation is still due, and Lightning
    would leave it out on resuming, and with it perhaps the best epoch.
    """

    def __init__(self, work: Path, every_seconds: float, yardstick: tuple[str, str]) -> None:
        self.work, self.every_seconds = work, every_seconds
        self.series, better = yardstick
        self.sign = 1.0 if better == "max" else -1.0
        self.saved = time.monotonic()
        self.best_step = -1
        self.best_score = float("-inf")

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        is_within_step = (batch_idx + 1) % trainer.accumulate_grad_batches
        if trainer.is_last_batch or is_within_step:
            return
        # one process's clock decides for all
        if follow_first(time.monotonic() - self.saved >= self.every_seconds):
            last = folder_of(self.work, LAST, trainer.global_step)
            trainer.save_checkpoint(last)
            if trainer.is_global_zero:
                drop_older(self.work, [last, *self._best()])
            self.saved = time.monotonic()

    def on_validation_end(self, trainer: pl.Trainer, *_: Any) -> None:
        score = self.sign * float(trainer.callback_metrics[self.series])
        if score > self.best_score:
            # the best before stays until a `last` knows of this one: a resume may still ask for it
            self.best_step, self.best_score = trainer.global_step, score
            trainer.save_checkpoint(folder_of(self.work, BEST, self.best_step), weights_only=True)

    def _best(self) -> list[Path]:
        return [folder_of(self.work, BEST, self.best_step)] if self.best_step >= 0 else []

    def best_folder(self) -> Path:
        (folder,) = self._best()
        return folder

    def state_dict(self) -> dict[str, Any]:
        return {"best_step": self.best_step, "best_score": self.best_score}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.best_step, self.best_score = state_dict["best_step"], state_dict["best_score"]
