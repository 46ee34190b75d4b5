"""What a training run leaves to read: a curve for DVC, lines for the log, series for trackers."""

import csv
import io
import logging
import time
from typing import Any

import pytorch_lightning as pl
import torch

from tasks.stage import peak_memory_mib
from tasks.tracking.record import StepRecord
from tasks.train.data import Batch
from tasks.train.processes import total

log = logging.getLogger(__name__)
COLUMNS = ["step", "epoch", "train_loss", "validation_loss", "macro_f1", "weighted_f1"]


class History(pl.Callback):
    """One row per epoch. It travels in the checkpoint, so a resumed run leaves the whole curve."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        pl_module.log_dict(_position(trainer), sync_dist=True)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        scores = {name: float(value) for name, value in trainer.callback_metrics.items()}
        loss, num_rows = total(pl_module.epoch_loss).tolist()
        row = {
            "step": trainer.global_step,
            "epoch": trainer.current_epoch + 1,
            "train_loss": loss / max(1, num_rows),
            "validation_loss": scores["validation/loss"],
            "macro_f1": scores["validation/macro_f1"],
            "weighted_f1": scores["validation/weighted_f1"],
        }
        self.rows.append(row)
        if not trainer.is_global_zero:
            return
        log.info(
            "epoch %d of %s: loss %.4f, on validation %.4f, macro F1 %.4f, weighted F1 %.4f",
            row["epoch"], trainer.max_epochs, *(row[name] for name in COLUMNS[2:]),
        )  # fmt: skip

    def state_dict(self) -> dict[str, Any]:
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.rows = list(state_dict["rows"])


class Speedometer(pl.Callback):
    """Loss, examples/s, learning rate and peak memory, to the log, the trackers and our own record.

    None of it goes into an output of the stage: it differs from run to run.
    """

    def __init__(self, every_steps: int, record: StepRecord | None) -> None:
        self.every_steps, self.record = every_steps, record
        self.started = 0.0
        self.num_examples = 0.0
        self.seen = torch.zeros(2, dtype=torch.float64)  # epoch_loss at the last line

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        self.started = time.monotonic()
        self.seen = pl_module.epoch_loss
        if self.record and trainer.is_global_zero:
            self.record.keep_until(trainer.global_step)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        is_within_step = (batch_idx + 1) % trainer.accumulate_grad_batches
        if (is_within_step and not trainer.is_last_batch) or trainer.global_step % self.every_steps:
            return
        shown = self._measure(trainer, pl_module)
        pl_module.log_dict(_position(trainer) | shown, rank_zero_only=True)
        if not trainer.is_global_zero:
            return
        if self.record:
            norm = float(trainer.callback_metrics["train/gradient_norm"])
            self.record.append(_position(trainer) | shown | {"train/gradient_norm": norm})
        log.info(
            "epoch %d of %s, batch %d of %s: loss %.4f, %.0f examples/s",
            trainer.current_epoch + 1, trainer.max_epochs,
            batch_idx + 1, trainer.num_training_batches,
            shown["train/loss"], shown["train/examples_per_second"],
        )  # fmt: skip

    def _measure(self, trainer: pl.Trainer, pl_module: Any) -> dict[str, float]:
        loss, num_rows = total(pl_module.epoch_loss - self.seen).tolist()
        self.seen = pl_module.epoch_loss
        self.num_examples += num_rows
        return {
            "train/loss": loss / max(1, num_rows),  # mean since the last line
            "train/examples_per_second": self.num_examples / (time.monotonic() - self.started),
            "train/learning_rate": trainer.optimizers[0].param_groups[0]["lr"],
            "train/peak_memory_mib": peak_memory_mib(),
        }

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        self.num_examples += float(total(pl_module.epoch_loss - self.seen)[1])
        self.seen = torch.zeros_like(self.seen)


def _position(trainer: pl.Trainer) -> dict[str, float]:
    """Where a series has a value, counted as the curve and the log count; Lightning's own counts,
    which a tracker would show without this, are one less."""
    return {"step": trainer.global_step, "epoch": trainer.current_epoch + 1}


def as_csv(rows: list[dict[str, float]]) -> bytes:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue().encode()
