"""Where a bundle comes from: commit, data and libraries, as documented identity."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

from tasks.artifacts import sha256_of
from tasks.bundle import Origin

CODE = ("tasks", "flows", "params.yaml", "dvc.yaml")
SPLITS = ("train", "validation", "test")
_LIBRARIES = (
    "numpy", "onnx", "onnxruntime", "onnxscript", "tokenizers", "torch", "transformers",
)  # fmt: skip


def describe_origin(splits: Path) -> Origin:
    """Of the code in the working directory and the tables in the folder `splits`."""
    commit = _git("rev-parse", "--verify", "HEAD")
    changes = _git("status", "--porcelain", "--", *CODE)
    return Origin(
        commit=commit,
        uncommitted_changes=None if commit is None or changes is None else bool(changes),
        data={name: sha256_of(splits / f"{name}.parquet") for name in SPLITS},
        libraries={"python": platform.python_version()} | {n: version(n) for n in _LIBRARIES},
    )


def _git(*arguments: str) -> str | None:
    """What git answers; None where there is no git, no repository or no commit."""
    environment = os.environ | {"GIT_OPTIONAL_LOCKS": "0"}  # never in the way of a person's git
    try:
        done = subprocess.run(
            ["git", *arguments], capture_output=True, text=True, check=False, env=environment
        )
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
