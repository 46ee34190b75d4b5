"""A contestant's server in processes of its own: started, watched, ended with all it started."""

import contextlib
import datetime
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psutil
import yaml

from benchmarks.serving.connection import Place
from benchmarks.serving.contestants import PEERS, REPOSITORY, Contestant, environment_of
from benchmarks.serving.load import post, run_load
from tasks.artifacts import sha256_of
from tasks.bundle import MANIFEST
from tasks.releases import NOTHING, Change, Target, swap_pointer
from tasks.releases import Place as LivePlace

READY_SECONDS, END_SECONDS = 120.0, 5.0
_POLL_SECONDS = 0.02
VERSION = "v1.0.0"


class Usage(NamedTuple):
    cpu_seconds: float
    mebibytes: float  # peak resident memory, each process's own, summed


class Server:
    """`ready_seconds`: from its start to its first answer 200 to a real request."""

    def __init__(self, process: "subprocess.Popen[bytes]", place: Place, started: float) -> None:
        self._child = process
        self.process = psutil.Process(process.pid)
        self.place = place
        self._started = started
        self.ready_seconds = 0.0

    def wait_until_ready(self, request: bytes, log: Path) -> None:
        while time.perf_counter() - self._started < READY_SECONDS:
            with contextlib.suppress(OSError), socket.create_connection(self.place[:2], 1):
                if run_load(self.place, [request], 1).statuses[200]:
                    self.ready_seconds = time.perf_counter() - self._started
                    return
            if self._child.poll() is not None:
                break
            time.sleep(_POLL_SECONDS)
        raise SystemExit(f"{log.read_text()[-3000:]}\nno answer from {self.place}")

    def tree(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            return [self.process, *self.process.children(recursive=True)]
        return []

    def usage(self) -> Usage:
        cpu_seconds = mebibytes = 0.0
        for process in self.tree():
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                cpu_seconds += times.user + times.system
                mebibytes += _peak_mebibytes(process.pid)
        return Usage(cpu_seconds, mebibytes)

    def end(self) -> None:
        """LitServe, for one, leaves its workers behind when it is asked to end."""
        processes = self.tree()
        self._child.terminate()
        _, alive = psutil.wait_procs(processes, END_SECONDS)
        for process in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(alive, END_SECONDS)
        self._child.wait()


@contextlib.contextmanager
def serving(
    contestant: Contestant, bundle: Path, folder: Path, cpus: set[int], text: str
) -> Iterator[Server]:
    """Ready to answer; on these CPUs alone."""
    folder.mkdir(parents=True)
    environment = environment_of(contestant, bundle, folder)
    place = Place("127.0.0.1", _free_port(), contestant.path)
    values = {"port": str(place.port), "folder": str(folder)}
    work = _make_folder(contestant, bundle, folder)
    if contestant.setup:
        setup = [word.format(**values) for word in contestant.setup]
        subprocess.run(setup, cwd=work, env=environment, check=True, capture_output=True)
    command = [word.format(**values) for word in contestant.command]
    log = folder / "server.log"
    with log.open("wb") as stream:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=work, env=environment, stdin=subprocess.DEVNULL, stdout=stream,
            stderr=subprocess.STDOUT, start_new_session=True,
            preexec_fn=lambda: os.sched_setaffinity(0, cpus),  # noqa: PLW1509 no threads yet
        )  # fmt: skip
    server = Server(process, place, started)
    try:
        server.wait_until_ready(post(place, contestant.content(text)), log)
        yield server
    finally:
        server.end()


def _make_folder(contestant: Contestant, bundle: Path, folder: Path) -> Path:
    if not contestant.precision:
        return PEERS / contestant.tool
    live = LivePlace(folder / "live")
    live.folder.mkdir(mode=0o700)
    released = live.bundle(VERSION)
    shutil.copytree(bundle, released)
    target = Target(version=VERSION, manifest_sha256=sha256_of(released / MANIFEST))
    change = Change(
        number=1, action="promote", at=datetime.datetime.now(datetime.UTC), who="benchmark",
        why="to be measured", from_version=None, to_version=VERSION,
    )  # fmt: skip
    swap_pointer(live, NOTHING.model_copy(update={"live": target, "change": change}))
    tree = yaml.safe_load((REPOSITORY / "params.yaml").read_text(encoding="utf-8"))
    tree["serving"]["model"]["precision"] = contestant.precision
    tree["serving"]["admin_port"] = 0
    (folder / "params.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
    return folder


def _peak_mebibytes(pid: int) -> float:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
