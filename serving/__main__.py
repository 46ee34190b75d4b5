"""`python -m serving`: holds the ports, and always a process that answers on them.

SIGHUP restarts without a failed request: the next process answers before the last one stops.
"""

import argparse
import contextlib
import os
import queue
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import NamedTuple

from filelock import FileLock, Timeout

from serving.params import ServingParams
from tasks.artifacts import write_json
from tasks.errors import FlywheelError, InputError
from tasks.params import load_params
from tasks.releases import LIVE

LOCK, ADDRESS = LIVE / "service.lock", LIVE / "service.json"
_READY_SECONDS = 60.0
_LONGEST_PAUSE_SECONDS = 5.0
_BACKLOG = 2048


class Ports(NamedTuple):
    public: socket.socket
    admin: socket.socket

    def urls(self) -> tuple[str, str]:
        first, second = (f"http://{_shown(port)}" for port in self)
        return first, second


class Keeper:
    """Starts, replaces and ends the process that answers."""

    def __init__(self, ports: Ports, params: ServingParams) -> None:
        self._ports = ports
        self._end_seconds = params.limits.drain_seconds + 10.0
        self._process: subprocess.Popen[bytes] | None = None
        self._leaving: list[subprocess.Popen[bytes]] = []

    def replace(self) -> bool:
        """Start a process and, once it answers, let the one before finish; False: it did not."""
        fresh = self._start()
        if fresh is None:
            return False
        if self._process:
            self._process.terminate()
            self._leaving.append(self._process)
        self._process = fresh
        return True

    def has_died(self) -> bool:
        self._leaving = [process for process in self._leaving if process.poll() is None]
        return self._process is None or self._process.poll() is not None

    def end(self) -> None:
        processes = [*self._leaving, *([self._process] if self._process else [])]
        for process in processes:
            process.send_signal(signal.SIGINT)
        deadline = time.monotonic() + self._end_seconds
        for process in processes:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start(self) -> "subprocess.Popen[bytes] | None":
        told, telling = os.pipe()
        passed = [*(port.fileno() for port in self._ports), telling]
        process = subprocess.Popen(
            [sys.executable, "-m", "serving.worker", *map(str, passed)],
            pass_fds=passed, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        os.close(telling)
        try:
            # readable also when the process has ended without a word
            is_over, _, _ = select.select([told], [], [], _READY_SECONDS)
            if is_over and os.read(told, 1):
                return process
        finally:
            os.close(told)
        process.kill()
        process.wait()
        return None


def keep(keeper: Keeper) -> None:
    """Until SIGTERM or SIGINT. A process that dies is replaced, after ever longer pauses."""
    signals: queue.SimpleQueue[int] = queue.SimpleQueue()
    for kind in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
        signal.signal(kind, lambda number, _: signals.put(number))
    pause = 0.1
    while True:
        timeout = pause if keeper.has_died() else None
        with contextlib.suppress(queue.Empty):
            number = signals.get(timeout=timeout)
            if number in (signal.SIGTERM, signal.SIGINT):
                return
            if number == signal.SIGHUP and not keeper.replace():
                _say("the new process did not start; the old one goes on")
            continue
        _say("the process that answers has ended; starting another")
        pause = 0.1 if keeper.replace() else min(2 * pause, _LONGEST_PAUSE_SECONDS)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m serving", description=__doc__)
    parser.add_argument("--port", type=int, help="instead of serving.port of params.yaml")
    options = parser.parse_args(arguments)
    params = load_params("serving", ServingParams)
    LIVE.mkdir(mode=0o700, exist_ok=True)
    with _only_service():
        port = params.port if options.port is None else options.port
        ports = Ports(_bind(params.host, port), _bind("127.0.0.1", params.admin_port))
        keeper = Keeper(ports, params)
        if not keeper.replace():
            sys.exit(1)  # it has said why
        url, admin_url = ports.urls()
        write_json(ADDRESS, {"url": url, "admin_url": admin_url, "pid": os.getpid()})
        _say(f"serving on {url} (documentation: {url}/docs; admin: {admin_url})")
        try:
            keep(keeper)
        finally:
            keeper.end()


@contextlib.contextmanager
def _only_service() -> Iterator[None]:
    """The lock says that a service lives; who finds it held reads where in the file beside it."""
    try:
        with FileLock(LOCK, timeout=0):
            yield
    except Timeout:
        where = ADDRESS.read_text(encoding="utf-8") if ADDRESS.exists() else "starting"
        raise InputError(
            f"{LOCK}: a service runs here already ({' '.join(where.split())}). End that one first."
        ) from None


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        raise InputError(
            f"{host}:{port}: {error.strerror}. Give another: make serve PORT=8100, or "
            "serving.port, serving.admin_port and serving.host in params.yaml."
        ) from None
    listener.listen(_BACKLOG)
    return listener


def _shown(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except FlywheelError as problem:
        sys.exit(f"serving failed: {problem}")
