"""`make bench-growth`: how an epoch's time grows with rows and with parameters, as a power."""

import statistics
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytorch_lightning as pl

from benchmarks.machine import describe_machine
from benchmarks.train.contest import FULL, shape_of
from benchmarks.train.encoders import write_encoder
from benchmarks.train.ours import run_ours
from benchmarks.train.work import ENCODER, Work, prepare

NUM_ROUNDS = 3
NUM_ROWS, FACTORS = 320, (1, 4, 16)
WIDTHS, NUM_LAYERS = (192, 384, 768), 6


def main() -> None:
    """Sizes alternate within a round, so that a busy machine slows all of them alike."""
    pl.seed_everything(0, verbose=False)
    works = {NUM_ROWS * factor: prepare(NUM_ROWS * factor, num_epochs=1) for factor in FACTORS}
    with tempfile.TemporaryDirectory() as folder:
        first = works[NUM_ROWS]
        sized = [
            first._replace(encoder=write_encoder(Path(folder) / str(width), width, NUM_LAYERS))
            for width in WIDTHS
        ]
        run_ours(first, **FULL)  # what only the first training of a process pays
        print_growth("rows", f"the encoder in {ENCODER}", time_all(works))
        print_growth(
            "parameters",
            f"{NUM_ROWS} rows, random encoders of {NUM_LAYERS} layers",
            time_all({shape_of(work).num_params: work for work in sized}),
        )
    print(describe_machine())


def time_all(works: Mapping[int, Work]) -> dict[int, list[float]]:
    """Seconds of an epoch, by size."""
    seconds: dict[int, list[float]] = {size: [] for size in works}
    for _ in range(NUM_ROUNDS):
        for size, work in works.items():
            seconds[size].append(run_ours(work, **FULL))
    return seconds


def print_growth(what: str, of: str, seconds: Mapping[int, list[float]]) -> None:
    """As it stands in docs/training-cost.md."""
    medians = {size: statistics.median(runs) for size, runs in seconds.items()}
    print(f"\n| {what} | seconds per epoch, median (runs) | per {what[:-1]}, µs |\n|---|---|---|")
    for size, runs in seconds.items():
        each = ", ".join(f"{one:.2f}" for one in runs)
        print(f"| {size:,} | {medians[size]:.2f} ({each}) | {medians[size] / size * 1e6:.3g} |")
    print(
        f"\nExponent over {what}: {fit_exponent(medians):.2f} ({of}; everything trained)",
        flush=True,
    )


def fit_exponent(seconds: Mapping[int, float]) -> float:
    """b of seconds = a·size^b, by least squares over the logarithms of both; 1 is linear."""
    slope, _ = np.polyfit(np.log(list(seconds)), np.log(list(seconds.values())), deg=1)
    return float(slope)


if __name__ == "__main__":
    main()
