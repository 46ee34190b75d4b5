"""Start the processes of one layout and read what they have measured."""

import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.train.work import Work, change
from tasks.label_set import write_label_set
from tasks.params import load_params
from tasks.records import LABELLED, write_table
from tasks.stage import PARENT_PID
from tasks.tracking.params import TrackingParams
from tasks.train.job import JOB, Job, write_record
from tasks.train.model import save_tokenizer
from tasks.train.session import TOKENIZER

NUM_VALIDATION = 32
OUT_OF_MEMORY = "OutOfMemoryError"


class Layout(NamedTuple):
    name: str
    strategy: str
    num_processes: int
    changes: dict[str, Any]  # of params section `train`
    gpu_share: float = 0.0  # of a GPU's memory that a process may take; 0: the CPU computes


class Measured(NamedTuple):
    seconds: float  # of the slowest process
    held_bytes: int  # parameters, gradients and moments of the process that holds most
    gpu_peak_bytes: int


def measure(work: Work, layout: Layout) -> Measured | None:
    """One training in processes of its own; None when a GPU's memory did not suffice."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_job(folder, work, layout)
        port = _free_port()
        processes = [_start(folder, layout, rank, port) for rank in range(layout.num_processes)]
        said = [process.communicate()[0] for process in processes]
        if any(OUT_OF_MEMORY in text for text in said):
            return None
        if any(process.returncode for process in processes):
            codes = [process.returncode for process in processes]
            raise SystemExit(f"{layout.name}: processes ended with {codes}:\n{said[0][-2000:]}")
        records = [json.loads(file.read_bytes()) for file in folder.glob("measured-*.json")]
    return Measured(*(max(one[field] for one in records) for field in Measured._fields))


def _write_job(folder: Path, work: Work, layout: Layout) -> None:
    table, label_set = work.examples.table, folder / "label_set.json"
    write_table(folder / "train.parquet", table, LABELLED)
    write_table(folder / "validation.parquet", table.slice(0, NUM_VALIDATION), LABELLED)
    write_label_set(label_set, work.examples.label_set)
    is_alone = layout.strategy == "single"
    num_devices = 1 if is_alone else layout.num_processes
    num_threads = max(1, len(os.sched_getaffinity(0)) // layout.num_processes)
    params = change(
        work.params, strategy=layout.strategy, devices=num_devices, threads=num_threads,
        **layout.changes,
    )  # fmt: skip
    untracked = load_params("tracking", TrackingParams).model_copy(update={"loggers": []})
    job = Job(
        train_file=folder / "train.parquet",
        validation_file=folder / "validation.parquet",
        label_set_file=label_set,
        encoder=str(work.encoder),
        params=params,
        tracking=untracked,
        tracking_folder=folder / "tracking",
    )
    write_record(folder, JOB, job)
    save_tokenizer(job.encoder, folder / TOKENIZER)


def _start(folder: Path, layout: Layout, rank: int, port: str) -> "subprocess.Popen[str]":
    """With the variables that torchrun sets."""
    environment = {
        **os.environ,
        PARENT_PID: str(os.getpid()),
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(layout.num_processes),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": port,
    }
    if not layout.gpu_share:
        environment["CUDA_VISIBLE_DEVICES"] = ""
    command = ["-m", "benchmarks.parallel.rank", str(folder), str(layout.gpu_share)]
    return subprocess.Popen(
        [sys.executable, *command],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])
