"""Start a job where its params say: in this process, or by torchrun on one node or many."""

import logging
import socket
import uuid
from pathlib import Path

from tasks.train.job import JOB, MEETING, Job, Meeting, forget_failures, write_record
from tasks.train.node import run_node
from tasks.train.session import train, write_result

log = logging.getLogger(__name__)


def launch(job: Job, work: Path) -> None:
    """Train to the end; `work`/result is then there. Raises what any process has found wrong."""
    if job.params.scale.strategy == "single":
        write_result(job, work, train(job, work))
        return
    forget_failures(work)
    meeting = _arrange(job)
    write_record(work, JOB, job)
    write_record(work, MEETING, meeting)
    scale = job.params.scale
    log.info("%s processes on %s node(s), %s", scale.num_processes, scale.nodes, scale.strategy)
    if scale.nodes > 1:
        log.info("on each other node: python -m tasks.train.node %s", work)
    run_node(work, job, meeting, is_first=True)


def _arrange(job: Job) -> Meeting:
    endpoint = job.params.launch.rendezvous
    if not endpoint:
        host = socket.gethostname() if job.params.scale.nodes > 1 else "127.0.0.1"
        endpoint = f"{host}:{_free_port()}"
    return Meeting(endpoint=endpoint, run_id=uuid.uuid4().hex)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("", 0))
        port: int = probe.getsockname()[1]
    return port
