"""A training as files in its work folder: what it is, where its nodes meet, why it failed."""

import json
from pathlib import Path

from tasks import errors
from tasks.artifacts import whole_file
from tasks.errors import FlywheelError, InputError
from tasks.params import Params
from tasks.tracking.params import TrackingParams
from tasks.train.params import TrainParams

JOB, MEETING = "job.json", "meeting.json"


class Job(Params):
    """All that a process needs to know to take its part in a training."""

    train_file: Path
    validation_file: Path
    label_set_file: Path
    encoder: str  # a folder, or a name of the model hub
    params: TrainParams  # with strategy and devices chosen
    tracking: TrackingParams
    tracking_folder: Path


class Meeting(Params):
    """Where the nodes of one launch find each other."""

    endpoint: str  # HOST:PORT of the first node
    run_id: str  # so that a process left from another launch is not taken for one of these


def find_encoder(encoders: Path, name: str) -> Path:
    """A folder the fetch stage wrote comes first; else a local path or a hub name as it is."""
    fetched = encoders / name
    return fetched if fetched.is_dir() else Path(name)


def write_record(work: Path, name: str, record: Params) -> None:
    with whole_file(work / name) as stream:
        stream.write(record.model_dump_json(indent=2).encode())


def read_job(work: Path) -> Job:
    return Job.model_validate_json(_read(work / JOB))


def read_meeting(work: Path) -> Meeting:
    return Meeting.model_validate_json(_read(work / MEETING))


def failure_file(work: Path, rank: int) -> Path:
    return work / f"failure-{rank}.json"


def find_failure(work: Path) -> Path | None:
    """What the first process that found something wrong has left, if any has."""
    return min(work.glob("failure-*.json"), default=None)


def forget_failures(work: Path) -> None:
    for file in work.glob("failure-*.json"):
        file.unlink()


def raise_failure(work: Path) -> None:
    """Raise here what a process has found wrong; nothing when none has."""
    if file := find_failure(work):
        failure = json.loads(file.read_bytes())
        kind: type[FlywheelError] = getattr(errors, failure["kind"], FlywheelError)
        raise kind(failure["text"])


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        raise InputError(
            f"{file}: no such file. Name the work folder that the first node's log names; it must "
            "lie on storage that every node sees under this path."
        ) from None
