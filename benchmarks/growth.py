"""`make bench-growth`: how an epoch's time grows with rows and with parameters, as a power."""

import statistics
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytorch_lightning as pl

from benchmarks.machine import describe_machine
from benchmarks.train.contest import FULL, shape_of
from benchmarks.train.encoders import write_encoder
from benchmarks.train.ours import run_ours
from benchmarks.train.work import Work, prepare

NUM_ROUNDS = 3
NUM_ROWS, FACTORS = 320, (1, 4, 16)
WIDTHS, NUM_LAYERS = (192, 384, 768), 6


def main() -> None:
    """Sizes alternate within a round, so that a busy machine slows all of them alike."""
    pl.seed_everything(0, verbose=False)
    works = [prepare(NUM_ROWS * factor, num_epochs=1) for factor in FACTORS]
    run_ours(works[0], **FULL)  # what only the first training of a process pays
    by_rows = {len(work.examples): runs for work, runs in zip(works, time_all(works), strict=True)}
    print_growth("rows", by_rows)
    with tempfile.TemporaryDirectory() as folder:
        sized = [
            works[0]._replace(encoder=write_encoder(Path(folder) / str(width), width, NUM_LAYERS))
            for width in WIDTHS
        ]
        shapes, runs = [shape_of(work) for work in sized], time_all(sized)
    # an embedding is looked up: it multiplies nothing, and its share falls as networks grow
    multiplied, whole = ([one.num_multiplied for one in shapes], [one.num_params for one in shapes])
    print_growth("parameters outside embeddings", dict(zip(multiplied, runs, strict=True)))
    print_growth("parameters", dict(zip(whole, runs, strict=True)))
    print(describe_machine())


def time_all(works: Sequence[Work]) -> list[list[float]]:
    """Seconds of an epoch with everything trained, of each round, by work."""
    seconds: list[list[float]] = [[] for _ in works]
    for _ in range(NUM_ROUNDS):
        for work, runs in zip(works, seconds, strict=True):
            runs.append(run_ours(work, **FULL))
    return seconds


def print_growth(what: str, seconds: Mapping[int, list[float]]) -> None:
    """As it stands in docs/training-cost.md."""
    medians = {size: statistics.median(runs) for size, runs in seconds.items()}
    print(f"\n| {what} | seconds per epoch, median (runs) | µs for each |\n|---|---|---|")
    for size, runs in seconds.items():
        each = ", ".join(f"{one:.2f}" for one in runs)
        print(f"| {size:,} | {medians[size]:.2f} ({each}) | {medians[size] / size * 1e6:.3g} |")
    print(f"\nExponent over {what}: {fit_exponent(medians):.2f}", flush=True)


def fit_exponent(seconds: Mapping[int, float]) -> float:
    """b of seconds = a·size^b, by least squares over the logarithms of both; 1 is linear."""
    slope, _ = np.polyfit(np.log(list(seconds)), np.log(list(seconds.values())), deg=1)
    return float(slope)


if __name__ == "__main__":
    main()
