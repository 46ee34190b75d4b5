"""Start a job where its params say: in this process, or by torchrun on one node or many."""

import logging
import socket
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

from tasks.train import kubernetes, slurm
from tasks.train.job import JOB, MEETING, Job, Meeting, forget_failures, write_record
from tasks.train.node import free_port, run_node
from tasks.train.session import train, write_result

log = logging.getLogger(__name__)


def launch(job: Job, work: Path) -> None:
    """Train to the end; `work`/result is then there. Raises what any process has found wrong."""
    scale, launcher = job.params.scale, job.params.launch.launcher
    if scale.strategy == "single" and launcher == "local":
        write_result(job, work, train(job, work))
        return
    forget_failures(work)
    write_record(work, JOB, job)
    log.info("%s processes on %s node(s), %s", scale.num_processes, scale.nodes, scale.strategy)
    LAUNCHERS[launcher](job, work)


def run_local(job: Job, work: Path) -> None:
    """This machine's processes; with more than one node, the others join by hand."""
    meeting = _arrange(job)
    write_record(work, MEETING, meeting)
    if job.params.scale.nodes > 1:
        log.info("on each other node, in this folder: python -m tasks.train.node %s", work)
    run_node(work, job, meeting, is_first=True)


def _arrange(job: Job) -> Meeting:
    endpoint = job.params.launch.rendezvous
    if not endpoint:
        host = socket.gethostname() if job.params.scale.nodes > 1 else "127.0.0.1"
        endpoint = f"{host}:{free_port()}"
    return Meeting(endpoint=endpoint, run_id=uuid.uuid4().hex)


LAUNCHERS: Mapping[str, Callable[[Job, Path], None]] = {
    "local": run_local,
    "slurm": slurm.run,
    "kubernetes": kubernetes.run,
}
