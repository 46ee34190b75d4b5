"""The contestant transformers' Trainer: with its defaults, and with all it can switch on."""

import tempfile
from typing import Any

import torch
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from benchmarks.train.work import Stopwatch, Work

NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}


class Timer(TrainerCallback):  # type: ignore[misc]
    def __init__(self, watch: Stopwatch) -> None:
        self.watch = watch

    def on_epoch_begin(self, *_: Any, **__: Any) -> None:
        self.watch.begin_epoch()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.watch.end_step()


def run_trainer(work: Work) -> float:
    """Seconds of the last epoch with the Trainer's defaults: fp32, random batches, dropout 0.1."""
    return _train(work, {}, {})


def run_tuned_trainer(work: Work) -> float:
    """Likewise with bf16, batches of like length, no dropout, and the faster attention."""
    attention = "sdpa" if torch.cuda.is_available() else "eager"
    settings = {"bf16": True, "train_sampling_strategy": "group_by_length"}
    return _train(work, settings, {**NO_DROPOUT, "attn_implementation": attention})


def _train(work: Work, settings: dict[str, Any], network: dict[str, Any]) -> float:
    watch = Stopwatch(work.num_steps)
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder,
            per_device_train_batch_size=work.params.learning.batch_size,
            num_train_epochs=work.num_epochs,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            use_cpu=not torch.cuda.is_available(),
            **settings,
        )
        Trainer(
            AutoModelForSequenceClassification.from_pretrained(
                work.encoder, num_labels=work.num_classes, **network
            ),
            arguments,
            train_dataset=[{"input_ids": row, "labels": label} for row, label in work.rows],
            data_collator=DataCollatorWithPadding(AutoTokenizer.from_pretrained(work.encoder)),
            callbacks=[Timer(watch)],
        ).train()
    return watch.seconds
