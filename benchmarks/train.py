"""Examples/s of our training beside transformers' Trainer, on the same encoder and texts."""

import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytorch_lightning as pl
import torch
from rich.console import Console
from rich.table import Table

from tasks.label_set import read_label_set
from tasks.params import load_params
from tasks.records import LABELLED, read_table
from tasks.tokens import load_tokenizer
from tasks.train.data import Examples, count_steps
from tasks.train.fit import Work, fit
from tasks.train.model import Classifier, freeze_lowest, load_encoder
from tasks.train.module import ClassifierModule
from tasks.train.params import TrainParams

NUM_EXAMPLES = 960
NUM_RUNS = 3
ENCODER = Path("data/fetch/encoder")
SPLIT = Path("data/split/train.parquet")
LABEL_SET = Path("data/label/label_set.json")
TARGETS = {"full fine-tune": 2.5, "as shipped": 5.0}


def main() -> None:
    """Alternate the contestants, so that a busy machine slows all alike, and compare medians."""
    params = load_params("train", TrainParams)
    shipped = _change(params, max_epochs=1, loggers=[], log_every_batches=10_000)
    full = _change(shipped, frozen_layers=None)
    table = read_table(SPLIT, LABELLED)
    table = table.take(
        torch.randperm(len(table), generator=torch.Generator().manual_seed(0)).numpy()
    )
    examples = _tokenise(table.slice(0, NUM_EXAMPLES), params)
    contestants: dict[str, Callable[[], float]] = {
        "Trainer": lambda: run_trainer(examples, params),
        "full fine-tune": lambda: run_ours(examples, full),
        "as shipped": lambda: run_ours(examples, shipped),
    }
    rates: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(NUM_RUNS):
        for name, contestant in contestants.items():
            rates[name].append(NUM_EXAMPLES / contestant())
    report(rates)


def run_ours(examples: Examples, params: TrainParams) -> float:
    """Seconds of one epoch's training, from the first batch to the last step."""
    encoder = load_encoder(str(ENCODER), params.network.encoder_dropout, params.network.max_tokens)
    freeze_lowest(encoder, params.network.frozen_layers)
    model = Classifier(encoder, len(examples.label_set.classes), params.network.head_dropout)
    module = TimedModule(model, params.learning, count_steps(examples, params.learning))
    with tempfile.TemporaryDirectory() as folder:
        fit(module, examples, examples.first(1), params.run, Work(Path(folder), []))
    return module.seconds


class TimedModule(ClassifierModule):
    seconds = 0.0

    def on_train_start(self) -> None:
        super().on_train_start()
        self.seconds = -time.perf_counter()

    def on_train_batch_end(self, *_: Any) -> None:
        if self.trainer.is_last_batch:
            self.seconds += time.perf_counter()


def run_trainer(examples: Examples, params: TrainParams) -> float:
    """Seconds between the Trainer's own marks of begin and end, with its defaults."""
    from transformers import (  # noqa: PLC0415  # the peer alone needs it
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        Trainer,
        TrainerCallback,
        TrainingArguments,
    )  # fmt: skip

    class Stopwatch(TrainerCallback):
        seconds = 0.0

        def on_train_begin(self, *_: Any, **__: Any) -> None:
            self.seconds = -time.perf_counter()

        def on_train_end(self, *_: Any, **__: Any) -> None:
            self.seconds += time.perf_counter()

    stopwatch = Stopwatch()
    rows = [
        {"input_ids": row, "labels": int(label)}
        for row, label in zip(examples.rows, examples.labels, strict=True)
    ]
    with tempfile.TemporaryDirectory() as folder:
        Trainer(
            AutoModelForSequenceClassification.from_pretrained(
                ENCODER, num_labels=len(examples.label_set.classes)
            ),
            TrainingArguments(
                folder, per_device_train_batch_size=params.learning.batch_size,
                num_train_epochs=1, report_to="none", disable_tqdm=True, use_cpu=True,
            ),
            train_dataset=rows,
            data_collator=DataCollatorWithPadding(AutoTokenizer.from_pretrained(ENCODER)),
            callbacks=[stopwatch],
        ).train()  # fmt: skip
    return stopwatch.seconds


def report(rates: dict[str, list[float]]) -> None:
    medians = {name: statistics.median(values) for name, values in rates.items()}
    table = Table(title=f"{NUM_EXAMPLES} examples, {NUM_RUNS} runs each, alternating")
    for column in ("contestant", "examples/s, median (runs)", "against Trainer", "target"):
        table.add_column(column)
    for name, values in rates.items():
        runs = ", ".join(f"{value:.0f}" for value in values)
        target = f"{TARGETS[name]} x" if name in TARGETS else ""
        ratio = medians[name] / medians["Trainer"]
        table.add_row(name, f"{medians[name]:.0f} ({runs})", f"{ratio:.2f} x", target)
    console = Console()
    console.print(table)
    libraries = ("torch", "pytorch-lightning", "transformers", "accelerate")
    versions = ", ".join(f"{name} {version(name)}" for name in libraries)
    console.print(f"{versions}; {platform.machine()}, {len(os.sched_getaffinity(0))} CPUs")


def _tokenise(table: pa.Table, params: TrainParams) -> Examples:
    tokenizer = load_tokenizer(ENCODER, params.network.max_tokens)
    return Examples(table, read_label_set(LABEL_SET), tokenizer)


def _change(params: TrainParams, **changes: Any) -> TrainParams:
    tree = params.model_dump()
    for key, value in changes.items():
        next(group for group in tree.values() if key in group)[key] = value
    return TrainParams.model_validate(tree)


if __name__ == "__main__":
    pl.seed_everything(0, verbose=False)
    main()
