"""Where a bundle comes from: commit, data and libraries, as documented identity."""

import platform
from importlib.metadata import version
from pathlib import Path

from tasks.artifacts import sha256_of
from tasks.bundle import Origin
from tasks.provenance import ask_git

CODE = ("tasks", "flows", "params.yaml", "dvc.yaml")
SPLITS = ("train", "validation", "test")
_LIBRARIES = (
    "numpy", "onnx", "onnxruntime", "onnxscript", "tokenizers", "torch", "transformers",
)  # fmt: skip


def describe_origin(splits: Path) -> Origin:
    """Of the code in the working directory and the tables in the folder `splits`."""
    commit = ask_git("rev-parse", "--verify", "HEAD")
    changes = ask_git("status", "--porcelain", "--", *CODE)
    return Origin(
        commit=commit,
        uncommitted_changes=None if commit is None or changes is None else bool(changes),
        data={name: sha256_of(splits / f"{name}.parquet") for name in SPLITS},
        libraries={"python": platform.python_version()} | {n: version(n) for n in _LIBRARIES},
    )
