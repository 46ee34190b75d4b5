"""Launcher slurm: submitit starts a task on each node, and torchrun there this node's processes."""

import logging
import socket
import sys
import time
from pathlib import Path
from typing import Any

from tasks.errors import FlywheelError, TemporaryError
from tasks.stage import RECORDS
from tasks.train.job import MEETING, Job, Meeting, raise_failure, read_meeting, write_record
from tasks.train.lease import end_without, renewed
from tasks.train.node import free_port, run_node

log = logging.getLogger(__name__)
LOGS = RECORDS / "slurm"
_POLL_SECONDS = 0.5


def run(job: Job, work: Path) -> None:
    """Submit the job, show its log, and wait for its end; interrupted, cancel it."""
    (work / MEETING).unlink(missing_ok=True)  # the first node makes a new one
    with renewed(work, job.params.launch.silent_seconds):
        submitted = _make_executor(job).submit(run_here, work, job)
        log.info("submitted as job %s; its logs are in %s", submitted.job_id, LOGS)
        try:
            _follow(submitted)
        except BaseException:
            submitted.cancel()
            raise
    raise_failure(work)
    if problem := submitted.exception():
        reason = str(problem).strip().splitlines()[-1]
        raise TemporaryError(
            f"Slurm job {submitted.job_id} ended without a result: {reason}. Its logs are in "
            f"{LOGS}. Run again: training goes on from its last checkpoint."
        )


def run_here(work: Path, job: Job) -> None:
    """What Slurm runs on every node."""
    import submitit  # noqa: PLC0415  # only where this launcher is used

    logging.basicConfig(level=logging.INFO, format="train: %(message)s", stream=sys.stdout)
    task = submitit.JobEnvironment()
    is_first = task.global_rank == 0
    end_without(work, job.params.launch.silent_seconds)
    if is_first:
        endpoint = job.params.launch.rendezvous or f"{task.hostnames[0]}:{free_port()}"
        write_record(work, MEETING, Meeting(endpoint=endpoint, run_id=task.job_id))
    run_node(work, job, _wait_for_meeting(work, job, task.job_id), is_first)


def _make_executor(job: Job) -> Any:
    try:
        import submitit  # noqa: PLC0415
    except ModuleNotFoundError:
        raise FlywheelError(
            "train.launch.launcher = slurm needs submitit. pip install it from requirements.lock."
        ) from None
    scale, slurm = job.params.scale, job.params.launch.slurm
    executor = submitit.AutoExecutor(folder=LOGS, cluster=slurm.cluster)
    gpus = scale.devices if slurm.gpus else 0
    executor.update_parameters(
        name="flywheel-train", nodes=scale.nodes, tasks_per_node=1, gpus_per_node=gpus,
        cpus_per_task=slurm.cpus_per_node, timeout_min=slurm.minutes,
        slurm_additional_parameters=slurm.options,  # other clusters leave it aside
    )  # fmt: skip
    return executor


def _follow(submitted: Any) -> None:
    """Show what the first node says, until all have ended."""
    seen = 0
    while True:
        is_over = submitted.done()
        text = submitted.stdout() or ""
        sys.stdout.write(text[seen:])
        sys.stdout.flush()
        seen = len(text)
        if is_over:
            return
        time.sleep(_POLL_SECONDS)


def _wait_for_meeting(work: Path, job: Job, run_id: str) -> Meeting:
    deadline = time.monotonic() + job.params.launch.join_seconds
    while time.monotonic() < deadline:
        if (work / MEETING).exists() and (meeting := read_meeting(work)).run_id == run_id:
            return meeting
        time.sleep(_POLL_SECONDS)
    raise TemporaryError(
        f"{work / MEETING}: not there after train.launch.join_seconds = "
        f"{job.params.launch.join_seconds} on {socket.gethostname()}. The checkout must lie on "
        "storage that every node sees under the same path."
    )
