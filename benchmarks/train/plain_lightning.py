"""The contestant plain Lightning: the smallest module, the Trainer's defaults."""

import logging
import warnings
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor
from transformers import AutoModelForSequenceClassification

from benchmarks.train.ours import Timer
from benchmarks.train.work import Stopwatch, Work, plain_loader


class Module(pl.LightningModule):
    def __init__(self, work: Work) -> None:
        super().__init__()
        self.model = AutoModelForSequenceClassification.from_pretrained(
            work.encoder, num_labels=work.num_classes
        ).train()
        self.rate = work.params.learning.learning_rate

    def training_step(self, batch: dict[str, Tensor], _: int) -> Any:
        return self.model(**batch).loss

    def configure_optimizers(self) -> Any:
        return torch.optim.AdamW(self.parameters(), lr=self.rate)


def run_plain_lightning(work: Work) -> float:
    """Seconds of the last epoch; what only shows or saves is off."""
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    watch = Stopwatch(work.num_steps)
    trainer = pl.Trainer(
        max_epochs=work.num_epochs,
        devices=1,
        callbacks=[Timer(watch)],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # hints on workers and on a deprecation of torch's
        trainer.fit(Module(work), plain_loader(work))
    return watch.seconds
