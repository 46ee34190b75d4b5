"""A folder in which `python -m tasks.train` really runs: tiny splits, encoder and params."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

from tasks.label_set import LabelSet, write_label_set
from tasks.records import LABELLED, write_table
from tasks.train.__main__ import main
from tests.tiny_model import write_tiny_encoder

REPOSITORY = Path(__file__).parents[3]
CLASSES = ("bad", "good")
ARGUMENTS = ["train.parquet", "validation.parquet", "label_set.json", "encoders", "models/train"]


def write_workspace(folder: Path, num_rows: int = 64, **changes: Any) -> Path:
    write_tiny_encoder(folder / "encoders" / "encoder")
    write_label_set(folder / "label_set.json", LabelSet(classes=CLASSES, ordered=True))
    write_table(folder / "train.parquet", make_split(num_rows), LABELLED)
    write_table(folder / "validation.parquet", make_split(16), LABELLED)
    write_params(folder, **changes)
    return folder


def write_params(folder: Path, **changes: Any) -> None:
    """The shipped params made small; `changes` name keys of tracking or of train's groups."""
    tree = yaml.safe_load((REPOSITORY / "params.yaml").read_text(encoding="utf-8"))
    train, tracking = tree["train"], tree["tracking"]
    small = {
        "frozen_layers": None, "batch_size": 8, "max_epochs": 3, "learning_rate": 1e-2,
        "precision": "fp32", "threads": 1, "checkpoint_seconds": 1e-3, "strategy": "single",
        "pool_batches": 2, "log_every_batches": 2, "max_tokens": 16, "encoder_dropout": 0.1,
        "loggers": [],
    }  # fmt: skip
    for key, value in {**small, **changes}.items():
        launch = train["launch"]
        groups = [tracking, *train.values(), launch["slurm"], launch["kubernetes"]]
        next(group for group in groups if key in group)[key] = value
    (folder / "params.yaml").write_text(
        yaml.safe_dump({"train": train, "tracking": tracking}), encoding="utf-8"
    )


def make_split(num_rows: int) -> pa.Table:
    """Texts of many lengths whose class one word decides."""
    good = [row % 2 == 1 for row in range(num_rows)]
    words = [" ".join(["very"] * (row % 7)) for row in range(num_rows)]
    columns: dict[str, list[Any]] = {
        "example_id": [f"{row:032x}" for row in range(num_rows)],
        "text": [
            f"it was {words[row]} {'great' if good[row] else 'awful'} film {row}"
            for row in range(num_rows)
        ],
        "source": ["made"] * num_rows,
        "votes": [["good" if yes else "bad"] for yes in good],
        "raters": [None] * num_rows,
        "created_at": [None] * num_rows,
        "origin": [f"made:{row}" for row in range(num_rows)],
        "duplicate_ids": [[]] * num_rows,
        "group_id": [f"{row:032x}" for row in range(num_rows)],
        "label": ["good" if yes else "bad" for yes in good],
        "label_probs": [[0.1, 0.9] if yes else [0.9, 0.1] for yes in good],
        "agreement": [1.0] * num_rows,
        "mean_vote": [None] * num_rows,
    }
    return pa.table({field.name: pa.array(columns[field.name], field.type) for field in LABELLED})


def start(folder: Path, **variables: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "tasks.train", *ARGUMENTS],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "WANDB_MODE": "offline", **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def train(folder: Path) -> None:
    """The stage in this process, which has paid for the imports already."""
    with contextlib.chdir(folder):
        main(*map(Path, ARGUMENTS))


def train_apart(folder: Path, **variables: str) -> tuple[int, str]:
    """The stage in a process of its own: its exit code and what it printed."""
    process = start(folder, **variables)
    output, _ = process.communicate(timeout=240)
    return process.returncode, output
