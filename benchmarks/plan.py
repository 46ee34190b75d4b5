"""What the planner says beside what is: memory of random encoders, time of a real training.

Memory is the growth of a warm process's resident memory to its peak between two steps, at the rank
that has most (benchmarks/plan_memory.py says how). Time is told in processor seconds beside those
of the wall, since a machine that does other things meanwhile stretches the latter at random.
"""

import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from rich.console import Console
from rich.table import Table

from benchmarks.plan_jobs import Case, estimate_peak, measure_peak
from tasks.params import load_params
from tasks.plan.calibrate import calibrate, draw_sample, here
from tasks.plan.options import training_seconds
from tasks.plan.params import CONFIGURED, PlanParams
from tasks.plan.work import config_of, make_training, read_data
from tasks.sizing.layout import Layout
from tasks.tracking.params import TrackingParams
from tasks.train.job import Job
from tasks.train.params import TrainParams

ROOT = Path(__file__).parents[1]
ENCODER, LABEL_SET = ROOT / "data/fetch/encoder", ROOT / "data/label/label_set.json"
SPLITS = ROOT / "data/split"
SIZES = ("debug", "22M", "110M")
STRATEGIES = (("single", 1), ("ddp", 2), ("fsdp", 2))
MEMORY = {"batch_size": 16, "max_tokens": 128, "frozen_layers": None, "threads": 1}
NUM_EXAMPLES = 1600  # of the real training, over the configured epochs
TARGETS = {"memory": 0.15, "time": 0.25}


class Row(NamedTuple):
    kind: str
    what: str
    estimated: float
    measured: float
    unit: str

    @property
    def error(self) -> float:
        return self.estimated / self.measured - 1


def compare_memory(size: str, strategy: str, devices: int) -> Row:
    fields = dict(load_params("plan", PlanParams).sizes[size])
    fields.pop("model_type")
    case = Case(fields, {**MEMORY, "strategy": strategy, "devices": devices})
    with tempfile.TemporaryDirectory() as folder:
        measured = measure_peak(Path(folder), case, ENCODER) / 2**20
    estimated = estimate_peak(case).device_bytes / 2**20
    return Row("memory", f"{size}, {strategy} x {devices}", estimated, measured, "MiB")


def compare_time(folder: Path) -> list[Row]:
    """The configured training on a sample: estimated before, then run as the stage runs it."""
    expected = [expected_processor_seconds(folder), expected_seconds(folder)]
    started, used = time.perf_counter(), processor_seconds()
    splits = [folder / name for name in ("train.parquet", "validation.parquet")]
    run(folder, "tasks.train", *splits, LABEL_SET, ENCODER.parent, "model")
    spent = [processor_seconds() - used, time.perf_counter() - started]
    names = ("processor seconds", "seconds on the wall")
    return [
        Row("time", f"{NUM_EXAMPLES:,} texts, {name}", estimated, measured, "s")
        for name, estimated, measured in zip(names, expected, spent, strict=True)
    ]


def expected_processor_seconds(folder: Path) -> float:
    """As the planner does it, but by the clock of this process's processor time."""
    params, train = load_params("plan", PlanParams), load_params("train", TrainParams)
    untracked = load_params("tracking", TrackingParams).model_copy(update={"loggers": []})
    job = Job(
        train_file=folder / "train.parquet", validation_file=folder / "validation.parquet",
        label_set_file=LABEL_SET, encoder=str(ENCODER), params=train,
        tracking=untracked, tracking_folder=folder,
    )  # fmt: skip
    measured = calibrate(job, params.calibration, time.process_time)
    data = read_data(folder, job.encoder, train.network, params.data)
    config = config_of(CONFIGURED, job.encoder, params)
    training = make_training(config, CONFIGURED, train, data, "cpu")
    pace = here(training, measured, train.scale.usable_share).pace
    return training_seconds(training, pace, Layout("single", 1, 1, True, False, False))


def expected_seconds(folder: Path) -> float:
    """By the planner's own command."""
    places = ["--splits", ".", "--label-set", LABEL_SET, "--encoders", ENCODER.parent]
    run(folder, "tasks.plan", "--calibrate", *places)
    (page,) = json.loads((folder / ".run/plan/plan.json").read_bytes()).values()
    (own,) = (option for option in page["options"] if option["throughput"] == "measured")
    seconds: float = own["seconds"]
    return seconds


def write_folder(folder: Path) -> None:
    """A sample of the splits, and the shipped params without trackers, on one thread."""
    for name in ("train", "validation"):
        draw_sample(SPLITS / f"{name}.parquet", folder / f"{name}.parquet", NUM_EXAMPLES)
    tree: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text("utf-8"))
    tree["tracking"]["loggers"] = []
    tree["train"]["run"]["threads"] = 1  # two that wait for each other spend time on waiting
    (folder / "params.yaml").write_text(yaml.safe_dump(tree), "utf-8")


def run(folder: Path, module: str, *arguments: object) -> None:
    command = [sys.executable, "-m", module, *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)


def processor_seconds() -> float:
    """Of the processes that this one has started and seen end."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:  # first, while this process has done little
        write_folder(Path(folder))
        rows = compare_time(Path(folder))
    for size in SIZES:
        rows += [compare_memory(size, *strategy) for strategy in STRATEGIES]
    table = Table(title="planner: estimated and measured")
    for column in ("what", "estimated", "measured", "error", "target"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for row in rows:
        table.add_row(
            f"{row.kind}: {row.what}", f"{row.estimated:,.0f} {row.unit}",
            f"{row.measured:,.0f} {row.unit}", f"{row.error:+.1%}", f"{TARGETS[row.kind]:.0%}",
        )  # fmt: skip
    console = Console()
    console.print(table)
    versions = ", ".join(f"{name} {version(name)}" for name in ("torch", "pytorch-lightning"))
    load = os.getloadavg()[0]
    console.print(f"{versions}; {platform.machine()}, {len(os.sched_getaffinity(0))} CPUs, "
                  f"load average {load:.1f}")  # fmt: skip
    sys.exit(any(abs(row.error) > TARGETS[row.kind] for row in rows))


if __name__ == "__main__":
    main()
