"""Where a bundle comes from: commit, data and libraries, as documented identity."""

import datetime
import platform
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.artifacts import sha256_of
from tasks.bundle import Origin
from tasks.provenance import ask_git

CODE = ("tasks", "flows", "dvc.yaml")  # params.yaml lies in the bundle, committed or not
LEARNT_FROM = ("train", "validation")
SPLITS = (*LEARNT_FROM, "test")
_LIBRARIES = (
    "numpy", "onnx", "onnxruntime", "onnxscript", "tokenizers", "torch", "transformers",
)  # fmt: skip


def describe_origin(splits: Path) -> Origin:
    """Of the code in the working directory and the tables in the folder `splits`."""
    tables = [splits / f"{name}.parquet" for name in LEARNT_FROM]
    examples = pa.concat_tables([pq.read_table(file, columns=["created_at"]) for file in tables])
    newest: datetime.datetime | None = pc.max(examples["created_at"]).as_py()
    commit = ask_git("rev-parse", "--verify", "HEAD")
    changes = ask_git("status", "--porcelain", "--", *CODE)
    return Origin(
        commit=commit,
        uncommitted_changes=None if commit is None or changes is None else bool(changes),
        data={name: sha256_of(splits / f"{name}.parquet") for name in SPLITS},
        num_examples=len(examples),
        newest=newest.isoformat() if newest else None,
        libraries={"python": platform.python_version()} | {n: version(n) for n in _LIBRARIES},
    )
