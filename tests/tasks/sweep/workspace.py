"""A folder in which a sweep really runs: tiny splits, encoder, params and search space."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import yaml

from tasks.sweep.attempt import run_trial
from tasks.sweep.begin import main as begin
from tasks.sweep.plan import read_plan
from tasks.sweep.study import open_study
from tests.tasks.train.workspace import REPOSITORY, write_workspace

INPUTS = ["train.parquet", "validation.parquet", "label_set.json", "encoders"]
STUDY = Path(".run/sweeps/first")
SMALL: dict[str, Any] = {
    "num_trials": 3,
    "space": {
        "train.learning.learning_rate": {"kind": "float", "low": 1e-4, "high": 1e-1, "log": True},
        "train.network.head_dropout": {"kind": "float", "low": 0.0, "high": 0.5, "log": False},
    },
    "hyperband": {"min_epochs": 1, "max_epochs": 4, "reduction_factor": 2},
    "sampler": {"kind": "random", "seed": 0, "num_startup_trials": 2},
}


def write_sweep(folder: Path, train: dict[str, Any] | None = None, **changes: Any) -> Path:
    """`changes` name keys of section sweep, `train` those of section train, or `loggers`."""
    write_workspace(folder, **{"patience_epochs": 9, "checkpoint_seconds": 60.0, **(train or {})})
    change_sweep(folder, **{**SMALL, **changes})
    return folder


def change_sweep(folder: Path, **changes: Any) -> None:
    file = folder / "params.yaml"
    tree = yaml.safe_load(file.read_text())
    shipped = yaml.safe_load((REPOSITORY / "params.yaml").read_text())["sweep"]
    tree["sweep"] = tree.get("sweep", shipped) | changes
    file.write_text(yaml.safe_dump(tree))


def begin_here(folder: Path) -> None:
    with contextlib.chdir(folder):
        begin(*map(Path, INPUTS), STUDY)


def run_trials_here(folder: Path, num_trials: int) -> None:
    """In this process, which has paid for the imports already."""
    with contextlib.chdir(folder):
        for _ in range(num_trials):
            run_trial(STUDY)


def read_trials(folder: Path) -> list[optuna.trial.FrozenTrial]:
    with contextlib.chdir(folder):
        return open_study(read_plan(STUDY), STUDY).trials


def start(folder: Path, module: str, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-u", "-m", module, *arguments],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def start_sweep(folder: Path) -> "subprocess.Popen[str]":
    return start(folder, "tasks.sweep", *INPUTS, str(STUDY))


def lines_of(process: "subprocess.Popen[str]") -> Iterator[str]:
    assert process.stdout
    yield from map(str.rstrip, process.stdout)
