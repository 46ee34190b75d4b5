"""What a training is called and comes from, as every tracker keeps it."""

import hashlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tasks.artifacts import sha256_of
from tasks.provenance import ask_git, read_flow_run
from tasks.tracking.params import TrackingParams

_SHORT = 12  # characters of a hash that a person compares


class RunContext(NamedTuple):
    """Of one tracked run; "" where there is none."""

    run_name: str
    group: str  # of runs that belong together, such as the trials of a study
    experiment: str  # of DVC
    prefect_run: str  # its page in Prefect's UI
    git_commit: str
    data_version: str
    training: str  # names our own record of it; the same again when a killed training goes on


def describe_run(params: TrackingParams, data: Sequence[Path], training: str) -> RunContext:
    """Of a training that starts now, on the files `data`, in the working directory."""
    flow_run, commit = read_flow_run(), ask_git("rev-parse", "--verify", "HEAD") or ""
    started = f"{commit[:_SHORT] or 'training'}-{time.strftime('%Y%m%d-%H%M%S')}"
    return RunContext(
        run_name=params.run_name or flow_run.run_name or started,
        group=params.group,
        experiment=flow_run.experiment,
        prefect_run=flow_run.run_url,
        git_commit=commit,
        data_version=version_of(data),
        training=training,
    )


def version_of(data: Sequence[Path]) -> str:
    """One short name for the bytes of several files, in this order."""
    hashes = "".join(map(sha256_of, data))
    return hashlib.sha256(hashes.encode()).hexdigest()[:_SHORT]
