"""What trackers cost a training: without any, with them, and with W&B's server away."""

import contextlib
import itertools
import logging
import os
import platform
import socket
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq
import pytorch_lightning as pl
from rich.console import Console
from rich.table import Table

from tasks.params import load_params
from tasks.tracking.params import TrackingParams
from tasks.train.job import Job
from tasks.train.model import save_tokenizer
from tasks.train.params import TrainParams
from tasks.train.session import TOKENIZER, train

NUM_EXAMPLES = 1600
NUM_ROUNDS = 3
LOG_EVERY_STEPS = 5  # ten times as often as shipped
ENCODER = Path("data/fetch/encoder")
SPLITS = Path("data/split")
LABEL_SET = Path("data/label/label_set.json")
API_KEY = "a" * 40  # of the form W&B asks for; nobody's
MAX_LOSS = 0.02


class Contestant(NamedTuple):
    loggers: Sequence[str]
    server: str = "none"  # of W&B: none (offline) | closed (nobody listens) | silent (no answer)


class Times(NamedTuple):
    whole: float  # s, from the data's reading to the last tracker's end
    steps: list[float]  # s each


CONTESTANTS = {
    "no tracker": Contestant([]),
    "W&B offline": Contestant(["wandb"]),
    "W&B online, nobody listens": Contestant(["wandb"], "closed"),
    "W&B online, no answer": Contestant(["wandb"], "silent"),
    "TensorBoard": Contestant(["tensorboard"]),
    "MLflow": Contestant(["mlflow"]),
    "all three, no answer": Contestant(["wandb", "tensorboard", "mlflow"], "silent"),
}


def main() -> None:
    """Alternate the contestants, so that a busy machine slows all alike."""
    times: dict[str, list[Times]] = {name: [] for name in CONTESTANTS}
    for _ in range(NUM_ROUNDS):
        for name, contestant in CONTESTANTS.items():
            with tempfile.TemporaryDirectory() as folder, _server(contestant.server):
                times[name].append(_train(Path(folder), contestant.loggers))
    report(times)


class Stopwatch(pl.Callback):
    def __init__(self) -> None:
        self.marks: list[float] = []

    def on_train_batch_end(self, *_: Any) -> None:
        self.marks.append(time.perf_counter())


def _train(folder: Path, loggers: Sequence[str]) -> Times:
    params, tracking = load_params("train", TrainParams), load_params("tracking", TrackingParams)
    train_file = folder / "train.parquet"
    pq.write_table(pq.read_table(SPLITS / "train.parquet").slice(0, NUM_EXAMPLES), train_file)
    job = Job(
        train_file=train_file,
        validation_file=SPLITS / "validation.parquet",
        label_set_file=LABEL_SET,
        encoder=str(ENCODER),
        params=_change(params, max_epochs=1, log_every_batches=LOG_EVERY_STEPS, strategy="single"),
        tracking=tracking.model_copy(update={"loggers": list(loggers)}),
        tracking_folder=folder / "tracking",
    )
    save_tokenizer(job.encoder, folder / "work" / TOKENIZER)
    stopwatch, started = Stopwatch(), time.perf_counter()
    train(job, folder / "work", [stopwatch])
    marks = stopwatch.marks
    steps = [after - before for before, after in itertools.pairwise(marks)]
    return Times(time.perf_counter() - started, steps)


@contextlib.contextmanager
def _server(kind: str) -> Iterator[None]:
    """The environment of a W&B whose server is as `kind` says."""
    before = dict(os.environ)
    with socket.socket() as hole:
        hole.bind(("127.0.0.1", 0))
        if kind == "silent":
            hole.listen()
        address = f"http://127.0.0.1:{hole.getsockname()[1]}"
        mode = "offline" if kind == "none" else "online"
        os.environ |= {"WANDB_MODE": mode, "WANDB_API_KEY": API_KEY, "WANDB_BASE_URL": address}
        try:
            yield
        finally:
            os.environ.clear()
            os.environ |= before


def report(times: dict[str, list[Times]]) -> None:
    """Of whole trainings the fastest of each: what else a machine does only ever adds."""
    table = Table(
        title=f"{NUM_EXAMPLES} examples, {NUM_ROUNDS} rounds, logged every {LOG_EVERY_STEPS} steps"
    )
    for column in ("trackers", "step, median", "against none", "whole, fastest", "added"):
        table.add_column(column)
    reference = times["no tracker"]
    for name, own in times.items():
        step, whole = _step(own), min(one.whole for one in own)
        loss, added = step / _step(reference) - 1, whole - min(one.whole for one in reference)
        table.add_row(
            name, f"{step * 1000:.1f} ms", f"{loss:+.1%}", f"{whole:.1f} s", f"{added:+.1f} s"
        )
    console = Console()
    console.print(table)
    console.print(f"target: against none at most {MAX_LOSS:+.0%}")
    libraries = ("wandb", "tensorboard", "mlflow-skinny", "pytorch-lightning", "torch")
    versions = ", ".join(f"{name} {version(name)}" for name in libraries)
    console.print(f"{versions}; {platform.machine()}, {len(os.sched_getaffinity(0))} CPUs")


def _step(own: list[Times]) -> float:
    return statistics.median(step for one in own for step in one.steps)


def _change(params: TrainParams, **changes: Any) -> TrainParams:
    tree = params.model_dump()
    for key, value in changes.items():
        next(group for group in tree.values() if key in group)[key] = value
    return TrainParams.model_validate(tree)


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    main()
