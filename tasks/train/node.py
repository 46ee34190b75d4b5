"""This machine's processes of a training, by torchrun: `python -m tasks.train.node WORK` joins."""

import argparse
import logging
import os
import shutil
import signal
import socket
import sys
from pathlib import Path

import psutil
from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, Std
from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.elastic.rendezvous.api import RendezvousError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from tasks.errors import FlywheelError, TemporaryError
from tasks.stage import PARENT_PID, RECORDS, die_with_parent
from tasks.train.fit import num_threads
from tasks.train.job import Job, Meeting, raise_failure, read_job, read_meeting
from tasks.train.lease import end_without

log = logging.getLogger(__name__)
LOGS = RECORDS / "train-ranks"  # what each process said, in a file of its own


def run_node(work: Path, job: Job, meeting: Meeting, is_first: bool) -> None:
    """Run this node's processes to their end.

    Raises what a process of any node has found wrong; TemporaryError when a node is lost.
    """
    shutil.rmtree(LOGS, ignore_errors=True)
    _set_environment(job, meeting, is_first)
    try:
        elastic_launch(_config(job, meeting, is_first), sys.executable)(
            "-u", "-m", "tasks.train.rank", str(work)
        )
    except ChildFailedError as error:
        raise_failure(work)
        raise FlywheelError(_explain(error, job)) from None
    except RendezvousError as error:
        raise_failure(work)
        raise TemporaryError(
            f"the {job.params.scale.nodes} nodes did not meet at {meeting.endpoint} within "
            f"train.launch.join_seconds = {job.params.launch.join_seconds}: {error}. See that each "
            "is up and reaches that address, and run again: training goes on from its last "
            "checkpoint."
        ) from None
    except SignalException as ending:
        if ending.sigval == signal.SIGINT:
            raise KeyboardInterrupt from ending
        sys.exit(128 + ending.sigval)
    raise_failure(work)


def _config(job: Job, meeting: Meeting, is_first: bool) -> LaunchConfig:
    scale, launch = job.params.scale, job.params.launch
    return LaunchConfig(
        min_nodes=scale.nodes,
        max_nodes=scale.nodes,
        nproc_per_node=scale.devices,
        run_id=meeting.run_id,
        rdzv_backend="c10d",
        rdzv_endpoint=meeting.endpoint,
        rdzv_configs={"join_timeout": launch.join_seconds, "is_host": is_first},
        max_restarts=launch.max_restarts,
        # to files, which torch follows: a process that is loud never waits for one that reads
        logs_specs=DefaultLogsSpecs(str(LOGS), tee=Std.ALL),
        log_line_prefix_template="[rank ${rank}] ",
        local_addr=address_towards(meeting.endpoint, is_first),
        shutdown_timeout=launch.end_seconds,
    )


def _set_environment(job: Job, meeting: Meeting, is_first: bool) -> None:
    """For the processes to be; torch hands its own environment on to them."""
    os.environ[PARENT_PID] = str(os.getpid())
    # else a restart finds the addresses of the dead in the store of the round before (torch 2.13)
    os.environ["TORCH_DISABLE_SHARE_RDZV_TCP_STORE"] = "1"
    os.environ.setdefault("OMP_NUM_THREADS", str(num_threads(job.params.scale)))
    if job.params.scale.nodes > 1:
        # by a machine's name gloo and NCCL may find an address that the other nodes do not reach
        interface = interface_of(address_towards(meeting.endpoint, is_first))
        for variable in ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME"):
            os.environ.setdefault(variable, interface)


def address_towards(endpoint: str, is_first: bool) -> str:
    """The address under which the node that owns `endpoint` reaches this one."""
    host, port = endpoint.rsplit(":", 1)
    if is_first:
        return socket.gethostbyname(host)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:  # sends nothing
        probe.connect((host, int(port)))
        return str(probe.getsockname()[0])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("", 0))
        port: int = probe.getsockname()[1]
    return port


def interface_of(address: str) -> str:
    """The network interface with this address."""
    for name, entries in psutil.net_if_addrs().items():
        if address in {entry.address for entry in entries}:
            return str(name)
    raise FlywheelError(
        f"no network interface of this machine has the address {address}. Set "
        "train.launch.rendezvous to an address of the first node that the others reach."
    )


def _explain(error: ChildFailedError, job: Job) -> str:
    # one that was killed is the cause; that the others lost it, its consequence
    killed = [
        (failure.timestamp, rank)
        for rank, failure in error.failures.items()
        if failure.exitcode < 0 and failure.exitcode != -signal.SIGTERM
    ]
    rank = min(killed)[1] if killed else error.get_first_failure()[0]
    failure = error.failures[rank]
    how = (
        f"was ended by {signal.Signals(-failure.exitcode).name} (out of memory?)"
        if failure.exitcode < 0
        else f"ended with exit code {failure.exitcode}; its last lines are in {LOGS}"
    )
    return (
        f"rank {rank} of {job.params.scale.num_processes} {how}; no restart is left of "
        f"train.launch.max_restarts = {job.params.launch.max_restarts}. Run again: training goes "
        "on from its last checkpoint."
    )


def main(work: Path, node_rank: int) -> None:
    """Join a training that another node has begun, as its log says."""
    job = read_job(work)
    if job.params.launch.launcher != "local":
        end_without(work, job.params.launch.silent_seconds)
    run_node(work, job, read_meeting(work), is_first=node_rank == 0)


if __name__ == "__main__":
    die_with_parent()
    logging.basicConfig(level=logging.INFO, format="train: %(message)s", stream=sys.stdout)
    parser = argparse.ArgumentParser(prog="python -m tasks.train.node", description=main.__doc__)
    parser.add_argument("work", type=Path, help="the work folder that the first node's log names")
    parser.add_argument("--node-rank", type=int, default=1, help="0: this one is the first")
    arguments = parser.parse_args()
    try:
        main(arguments.work, arguments.node_rank)
    except FlywheelError as problem:
        sys.exit(f"train failed: {problem}")
