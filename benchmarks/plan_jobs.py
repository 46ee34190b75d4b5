"""Trainings of random-weight encoders, made to compare what the planner says with what is."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
from transformers import AutoModel

from tasks.label_set import LabelSet, write_label_set
from tasks.params import load_params
from tasks.plan.work import Data, make_training
from tasks.records import LABELLED, write_table
from tasks.sizing.layout import Layout
from tasks.sizing.memory import Memory, memory_per_rank
from tasks.sizing.shapes import read_config
from tasks.tracking.params import TrackingParams
from tasks.train.job import JOB, Job, write_record
from tasks.train.model import save_tokenizer
from tasks.train.params import TrainParams
from tasks.train.session import TOKENIZER

NUM_STEPS = 3
# freed memory goes back to the system at once, so that resident memory is what is in use
_TIDY = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}


class Case(NamedTuple):
    """Fields of a BERT, and changes to the params of train."""

    fields: Mapping[str, Any]
    changes: Mapping[str, Any]


def write_encoder(folder: Path, fields: Mapping[str, Any], tokenizer: Path) -> None:
    config = read_config("bert", fields)
    AutoModel.from_config(config).save_pretrained(folder)
    for file in tokenizer.glob("*token*"):
        shutil.copy2(file, folder)


def write_split(file: Path, num_rows: int, num_words: int) -> None:
    """Rows as long as a text may be, one word more or less, so that masks hide something."""
    texts = [" ".join(["good", "bad"][row % 2] for _ in range(num_words - row % 3)) for row in
             range(num_rows)]  # fmt: skip
    values = {"text": texts, "label": ["a", "b"] * (num_rows // 2),
              "label_probs": [[1.0, 0.0], [0.0, 1.0]] * (num_rows // 2)}  # fmt: skip
    columns = {field.name: values.get(field.name, _filling(field, num_rows)) for field in LABELLED}
    write_table(file, pa.table(columns, LABELLED), LABELLED)


def _filling(field: pa.Field, num_rows: int) -> list[Any]:
    if field.nullable:
        return [None] * num_rows
    if pa.types.is_list(field.type):
        return [[] for _ in range(num_rows)]
    if pa.types.is_string(field.type):
        return [f"{row}" for row in range(num_rows)]
    return [1] * num_rows


def write_work(folder: Path, case: Case, tokenizer: Path) -> Path:
    """A work folder of the train stage, ready for its processes."""
    untracked = load_params("tracking", TrackingParams).model_copy(update={"loggers": []})
    params = change(load_params("train", TrainParams), {**case.changes, "max_epochs": 1})
    encoder = folder / "encoder"
    write_encoder(encoder, case.fields, tokenizer)
    size, longest = params.learning.batch_size, params.network.max_tokens
    write_split(folder / "train.parquet", NUM_STEPS * size, longest)
    write_split(folder / "validation.parquet", 2, 4)
    write_label_set(folder / "label_set.json", LabelSet(classes=("a", "b"), ordered=False))
    job = Job(
        train_file=folder / "train.parquet", validation_file=folder / "validation.parquet",
        label_set_file=folder / "label_set.json", encoder=str(encoder), params=params,
        tracking=untracked, tracking_folder=folder / "tracking",
    )  # fmt: skip
    save_tokenizer(job.encoder, folder / TOKENIZER)
    write_record(folder, JOB, job)
    return folder


def change(params: TrainParams, changes: Mapping[str, Any]) -> TrainParams:
    tree = params.model_dump()
    for key, value in changes.items():
        next(group for group in tree.values() if key in group)[key] = value
    return TrainParams.model_validate(tree)


def estimate_peak(case: Case) -> Memory:
    """What the planner says of it, without looking."""
    params = change(load_params("train", TrainParams), case.changes)
    scale, longest = params.scale, params.network.max_tokens
    assert scale.strategy != "auto"
    layout = Layout(scale.strategy, scale.num_processes, scale.nodes, scale.reshard_after_forward,
                    scale.hybrid_shard, scale.cpu_offload)  # fmt: skip
    data = Data(1, longest, 0, longest, "made up")
    training = make_training(read_config("bert", case.fields), "random", params, data, "cpu")
    recipe = training.load.recipe(layout.num_processes)
    return memory_per_rank(training.encoder.network, layout, recipe)


def measure_peak(folder: Path, case: Case, tokenizer: Path) -> int:
    """Bytes that the training adds, at its peak, to a process that is warm; of the largest rank."""
    one_layer = case._replace(fields={**case.fields, "num_hidden_layers": 1})
    warm = write_work(folder / "warm", one_layer, tokenizer)
    work = write_work(folder / "work", case, tokenizer)
    num = int(case.changes["devices"])
    torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={num}"]
    start = [] if num == 1 else torchrun
    output = subprocess.run(
        [sys.executable, *start, "-m", "benchmarks.plan_memory", str(warm), str(work)],
        env=os.environ | _TIDY, text=True, check=True, stdout=subprocess.PIPE,
    ).stdout  # fmt: skip
    found: dict[str, int] = json.loads(output.splitlines()[-1])
    return found["peak_bytes"]
