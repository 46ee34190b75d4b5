"""What trackers cost a training: without any, with them, and with W&B's server away."""

import contextlib
import itertools
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
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
NUM_VALIDATION_EXAMPLES = 64
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
    """Of one training in a process of its own, from its start to its end."""

    whole: float  # s
    cpu: float  # s of all its threads and processes
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
            times[name].append(_run(contestant))
    report(times)


def _run(contestant: Contestant) -> Times:
    with tempfile.TemporaryDirectory() as folder, _server(contestant.server) as variables:
        command = [sys.executable, "-m", "benchmarks.tracking", folder, *contestant.loggers]
        started = time.perf_counter()
        process = subprocess.Popen(command, env=os.environ | variables)
        _, status, used = os.wait4(process.pid, 0)
        whole = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(process.returncode)
        steps: list[float] = json.loads((Path(folder) / "steps.json").read_text())
        return Times(whole, used.ru_utime + used.ru_stime, steps)


class Stopwatch(pl.Callback):
    def __init__(self) -> None:
        self.marks: list[float] = []

    def on_train_batch_end(self, *_: Any) -> None:
        self.marks.append(time.perf_counter())


def run_training(folder: Path, loggers: Sequence[str]) -> None:
    """One epoch as shipped; leaves the seconds of each step in `folder`."""
    params, tracking = load_params("train", TrainParams), load_params("tracking", TrackingParams)
    files = {"train": NUM_EXAMPLES, "validation": NUM_VALIDATION_EXAMPLES}
    for name, num_rows in files.items():
        table = pq.read_table(SPLITS / f"{name}.parquet").slice(0, num_rows)
        pq.write_table(table, folder / f"{name}.parquet")
    job = Job(
        train_file=folder / "train.parquet",
        validation_file=folder / "validation.parquet",
        label_set_file=LABEL_SET,
        encoder=str(ENCODER),
        params=_change(params, max_epochs=1, log_every_batches=LOG_EVERY_STEPS, strategy="single"),
        tracking=tracking.model_copy(update={"loggers": list(loggers)}),
        tracking_folder=folder / "tracking",
    )
    save_tokenizer(job.encoder, folder / "work" / TOKENIZER)
    stopwatch = Stopwatch()
    train(job, folder / "work", [stopwatch])
    steps = [after - before for before, after in itertools.pairwise(stopwatch.marks)]
    (folder / "steps.json").write_text(json.dumps(steps))


@contextlib.contextmanager
def _server(kind: str) -> Iterator[dict[str, str]]:
    """Variables that lead W&B to a server as `kind` says."""
    with socket.socket() as hole:
        hole.bind(("127.0.0.1", 0))
        if kind == "silent":
            hole.listen()
        address = f"http://127.0.0.1:{hole.getsockname()[1]}"
        mode = "offline" if kind == "none" else "online"
        yield {"WANDB_MODE": mode, "WANDB_API_KEY": API_KEY, "WANDB_BASE_URL": address}


def report(times: dict[str, list[Times]]) -> None:
    """Of whole trainings the least of each: what else a machine does only ever adds."""
    table = Table(
        title=f"{NUM_EXAMPLES} examples, {NUM_ROUNDS} rounds, logged every {LOG_EVERY_STEPS} steps"
    )
    for column in ("trackers", "step, median", "against none", "whole, added", "CPU, added"):
        table.add_column(column)
    reference = times["no tracker"]
    for name, own in times.items():
        step = _step(own)
        table.add_row(
            name,
            f"{step * 1000:.1f} ms",
            f"{step / _step(reference) - 1:+.1%}",
            _added(own, reference, "whole"),
            _added(own, reference, "cpu"),
        )
    console = Console()
    console.print(table)
    console.print(f"target: a step against none at most {MAX_LOSS:+.0%}")
    libraries = ("wandb", "tensorboard", "mlflow-skinny", "pytorch-lightning", "torch")
    versions = ", ".join(f"{name} {version(name)}" for name in libraries)
    console.print(f"{versions}; {platform.machine()}, {len(os.sched_getaffinity(0))} CPUs")


def _step(own: list[Times]) -> float:
    return statistics.median(step for one in own for step in one.steps)


def _added(own: list[Times], reference: list[Times], what: str) -> str:
    least, without = (min(getattr(one, what) for one in many) for many in (own, reference))
    return f"{least:.1f} s, {least - without:+.1f} s"


def _change(params: TrainParams, **changes: Any) -> TrainParams:
    tree = params.model_dump()
    for key, value in changes.items():
        next(group for group in tree.values() if key in group)[key] = value
    return TrainParams.model_validate(tree)


if __name__ == "__main__":
    if sys.argv[1:]:
        run_training(Path(sys.argv[1]), sys.argv[2:])
    else:
        main()
