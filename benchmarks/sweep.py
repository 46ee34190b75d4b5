"""Epochs that Hyperband spends beside full random search on the same configurations."""

import contextlib
import multiprocessing
import os
import shutil
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from rich.console import Console
from rich.table import Table
from transformers import AutoModel
from transformers.utils import logging

from tasks.records import LABELLED, read_table, write_table
from tasks.sweep.attempt import run_trial
from tasks.sweep.begin import begin
from tasks.sweep.plan import Inputs
from tasks.sweep.study import open_study, summarise
from tasks.sweep.summary import Summary

NUM_TRAIN, NUM_VALIDATION, NUM_LAYERS = 300, 400, 1
NUM_TRIALS, MAX_EPOCHS, REDUCTION_FACTOR = 20, 16, 4
FOLDER = Path(".bench/sweep")
NAMES = ("train.parquet", "validation.parquet", "label_set.json", "encoders")
SPACE: dict[str, Any] = {
    "train.learning.learning_rate": {"kind": "float", "low": 1e-5, "high": 3e-3, "log": True},
    "train.learning.head_learning_rate": {"kind": "float", "low": 1e-4, "high": 1e-1, "log": True},
    "train.learning.hard_label_share": {"kind": "float", "low": 0.0, "high": 1.0, "log": False},
    "train.network.head_dropout": {"kind": "float", "low": 0.0, "high": 0.5, "log": False},
}


class Search(NamedTuple):
    name: str
    min_epochs: int  # as many as a trial may have: none is pruned


SEARCHES = (Search("full random search", MAX_EPOCHS), Search("Hyperband", 1))


def main() -> None:
    """Both draw the same configurations, and a trial that is not pruned is the same training in
    both, to the last bit: what differs is what is spent, and whether the best one is found."""
    write_inputs()
    # a process each, side by side, on one thread each
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(len(SEARCHES), context) as pool:
        found = dict(zip(SEARCHES, pool.map(run_search, SEARCHES), strict=True))
    full = found[SEARCHES[0]][0]
    table = Table(title=f"{NUM_TRIALS} trials of at most {MAX_EPOCHS} epochs")
    for column in ("search", "epochs", "of full", "best macro F1", "of trial", "seconds"):
        table.add_column(column, justify="left" if column == "search" else "right")
    for search, (summary, seconds) in found.items():
        best = summary.winner
        assert best
        share = f"{summary.epochs / full.epochs:.0%}"
        score = f"{best.macro_f1:.4f}"
        numbers = (f"{summary.epochs:,}", share, score, str(best.number), f"{seconds:.0f}")
        table.add_row(search.name, *numbers)
    Console(width=100).print(table)


def write_inputs() -> None:
    """A real subset and the lowest layer of the real encoder, so that an epoch takes a moment."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    inputs = find_inputs()
    for target, num_rows in zip(inputs, (NUM_TRAIN, NUM_VALIDATION), strict=False):
        rows = read_table(Path("data/split") / target.name, LABELLED).slice(0, num_rows)
        write_table(target, rows, LABELLED)
    shutil.copy("data/label/label_set.json", inputs.label_set_file)
    shutil.copytree("data/fetch/encoder", inputs.encoders / "encoder")
    logging.set_verbosity_error()  # it would list the layers left out
    encoder = AutoModel.from_pretrained("data/fetch/encoder", num_hidden_layers=NUM_LAYERS)
    encoder.save_pretrained(inputs.encoders / "encoder")


def find_inputs() -> Inputs:
    return Inputs(*(FOLDER.absolute() / name for name in NAMES))


def run_search(search: Search) -> tuple[Summary, float]:
    """All trials in this process, one after another; what they came to, and seconds."""
    place = FOLDER / f"min-epochs-{search.min_epochs}"
    place.mkdir()
    write_params(Path("params.yaml"), place / "params.yaml", search.min_epochs)
    inputs = find_inputs()
    os.chdir(place)
    started = time.monotonic()
    with Path("log").open("w") as log, contextlib.redirect_stdout(log):
        plan, _ = begin(inputs, folder := Path("study"))
        for _ in range(NUM_TRIALS):
            run_trial(folder)
    return summarise(open_study(plan, folder), plan), time.monotonic() - started


def write_params(shipped: Path, target: Path, min_epochs: int) -> None:
    tree = yaml.safe_load(shipped.read_text(encoding="utf-8"))
    tree["tracking"]["loggers"] = []
    tree["train"]["learning"]["patience_epochs"] = MAX_EPOCHS  # only Hyperband stops a trial
    tree["train"]["run"] |= {"threads": 1, "checkpoint_seconds": 600.0}
    tree["sweep"] |= {
        "num_trials": NUM_TRIALS,
        "space": SPACE,
        "sampler": {"kind": "random", "seed": 0, "num_startup_trials": 0},
        "hyperband": {
            "min_epochs": min_epochs,
            "max_epochs": MAX_EPOCHS,
            "reduction_factor": REDUCTION_FACTOR,
        },
    }
    target.write_text(yaml.safe_dump(tree), encoding="utf-8")


if __name__ == "__main__":
    main()
