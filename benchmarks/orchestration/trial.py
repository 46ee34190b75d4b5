"""One contestant in a fresh folder: the chain once cold, once warm, and proof of what it did."""

import os
import subprocess
import tempfile
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import psutil

from benchmarks.orchestration.contestants import Contestant
from benchmarks.orchestration.workplace import environment_of, make, read_trace, whole_chain

TIMEOUT_SECONDS = 300
END_SECONDS = 5.0  # for a tool's helpers to end after it
KILL_SECONDS = 5.0
MARK = "BENCH_ORCHESTRATION"


class Trial(NamedTuple):
    cold_seconds: float
    warm_seconds: float
    num_warm_steps: int  # how many of the eight ran again
    load: float  # of the machine just before


def run_trial(contestant: Contestant, server: Mapping[str, str]) -> Trial:
    """Raises SystemExit when a command fails, skips work it owes or leaves a process behind."""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="bench-") as root:
        folder, home = Path(root, "checkout"), Path(root, "home")
        home.mkdir()
        make(contestant, folder)
        environment = environment_of(contestant, folder, home)
        if contestant.uses_server:
            environment |= server
        for command in contestant.setup:
            time_command(contestant.name, command, folder, environment)
        cold_seconds = time_command(contestant.name, contestant.command, folder, environment)
        cold = read_trace(folder)
        if cold != whole_chain():
            raise SystemExit(f"{contestant.name}: the chain should leave 1 to 8, it left {cold}")
        warm_seconds = time_command(contestant.name, contestant.command, folder, environment)
        num_warm_steps = len(read_trace(folder)) - len(cold)
        return Trial(cold_seconds, warm_seconds, num_warm_steps, load)


def time_command(
    name: str, command: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> float:
    """Wall seconds of one command, which has to succeed and to leave nothing running."""
    mark = uuid.uuid4().hex
    started = time.perf_counter()
    try:
        result = subprocess.run(
            command, cwd=folder, env={**environment, MARK: mark}, check=False,
            text=True, timeout=TIMEOUT_SECONDS, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        seconds = time.perf_counter() - started
    finally:
        leftovers = end_leftovers(mark)
    if result.returncode:
        raise SystemExit(f"{result.stdout}\n{name}: {command} ended with {result.returncode}")
    if leftovers:
        raise SystemExit(f"{name}: {command} left running: {leftovers}")
    return seconds


def end_leftovers(mark: str) -> list[str]:
    """Wait a moment for what a command started, then kill what is still there and name it."""
    deadline = time.monotonic() + END_SECONDS
    while (found := _marked(mark)) and time.monotonic() < deadline:
        time.sleep(0.1)
    names = []
    for process in found:
        names.append(f"{process.pid} {process.name()}")
        process.kill()
    psutil.wait_procs(found, timeout=KILL_SECONDS)
    return names


def _marked(mark: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(MARK) == mark:
                found.append(process)
        except psutil.Error:  # it has just ended, or belongs to somebody else
            continue
    return found
