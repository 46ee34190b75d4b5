"""`python -m serving`: holds the ports, and always a process that answers on them.

SIGHUP restarts without a failed request: the next process answers before the last one stops.
"""

import argparse
import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

from filelock import FileLock, Timeout

from serving.logs import set_up_logging
from serving.params import ServingParams
from serving.ports import Ports, bind
from serving.signals import ENDING, Signals
from tasks.artifacts import write_json
from tasks.errors import FlywheelError, InputError
from tasks.params import load_params
from tasks.releases import LIVE, SERVICE_LOCK, SERVICE_RECORD, Place

_READY_SECONDS = 60.0
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.1, 5.0
log = logging.getLogger("serving")


class Keeper:
    """Starts, replaces and ends the process that answers."""

    def __init__(self, ports: Ports, params: ServingParams, signals: Signals) -> None:
        self._ports = ports
        self._signals = signals
        self._need_keys = ["--need-keys"] if params.require_api_keys else []
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
        options = [*([] if self.has_died() else ["--replaces"]), *self._need_keys]
        try:
            process = subprocess.Popen(
                [sys.executable, "-m", "serving.worker", *map(str, passed), *options],
                pass_fds=passed, stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        except OSError as error:  # no memory, no room for a process: later, perhaps
            log.error("no process could be started: %s", error.strerror)
            os.close(told)
            return None
        finally:
            os.close(telling)
        with os.fdopen(told, "rb", buffering=0) as stream:
            if self._is_ready(stream.fileno()):
                return process
        process.kill()
        process.wait()
        return None

    def _is_ready(self, told: int) -> bool:
        """It says so; a process that has ended closes the pipe without a word."""
        deadline = time.monotonic() + _READY_SECONDS
        while not self._signals.is_ending() and (left := deadline - time.monotonic()) > 0:
            if self._signals.wait(left, told):
                return bool(os.read(told, 1))
        return False


def keep(keeper: Keeper, signals: Signals) -> None:
    """Until SIGTERM or SIGINT. A process that dies is replaced, after ever longer pauses."""
    pause = _FIRST_PAUSE_SECONDS
    while True:
        has_died = keeper.has_died()
        signals.wait(pause if has_died else None)
        taken = signals.take()
        if taken & ENDING:
            return
        if signal.SIGHUP in taken and not has_died and not keeper.replace():
            log.error("the new process did not start; the old one goes on")
        elif has_died and signal.SIGCHLD not in taken:
            log.error("the process that answers has ended; starting another")
            is_back = keeper.replace()
            pause = _FIRST_PAUSE_SECONDS if is_back else min(2 * pause, _LONGEST_PAUSE_SECONDS)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m serving", description=__doc__)
    parser.add_argument("--port", type=int, help="instead of serving.port of params.yaml")
    options = parser.parse_args(arguments)
    set_up_logging()
    params = load_params("serving", ServingParams)
    place = Place(LIVE)
    place.folder.mkdir(mode=0o700, exist_ok=True)
    with _only_service(place):
        port = params.port if options.port is None else options.port
        ports = Ports(bind(params.host, port), bind("127.0.0.1", params.admin_port))
        keeper = Keeper(ports, params, signals := Signals())
        if not keeper.replace():
            sys.exit(0 if signals.is_ending() else 1)  # it has said why
        url, admin_url = ports.urls()
        address = {"url": url, "admin_url": admin_url, "pid": os.getpid()}
        write_json(place.folder / SERVICE_RECORD, address)
        log.info("serving on %s (documentation: %s/docs; admin: %s)", url, url, admin_url)
        try:
            keep(keeper, signals)
        finally:
            (place.folder / SERVICE_RECORD).unlink(missing_ok=True)
            keeper.end()


@contextlib.contextmanager
def _only_service(place: Place) -> Iterator[None]:
    """The lock says that a service lives; who finds it held reads where in the file beside it."""
    try:
        # for a moment those who look whether a service lives hold it, too
        with FileLock(place.folder / SERVICE_LOCK, timeout=1):
            (place.folder / SERVICE_RECORD).unlink(missing_ok=True)  # of one that was killed
            yield
    except Timeout:
        record = place.folder / SERVICE_RECORD
        where = record.read_text(encoding="utf-8") if record.exists() else "starting"
        where = " ".join(where.split())
        raise InputError(
            f"{place.folder / SERVICE_LOCK}: a service runs here already ({where}). End it first."
        ) from None


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except FlywheelError as problem:
        sys.exit(f"serving failed: {problem}")
