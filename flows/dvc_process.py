"""One `dvc` command in a process of its own: streamed line by line, bounded, ended with its run."""

import atexit
import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO, NamedTuple

from flows.checkout.surroundings import dvc_environment
from flows.leash import leashed
from tasks.errors import TemporaryError

LAST_LINES = 20
_CHUNK_BYTES = 1 << 16
_ORDERLY_SECONDS = 5.0  # for a stage to end in order after an interrupt


class Finished(NamedTuple):
    exit_code: int  # of dvc; negative: the signal that ended it
    last_lines: tuple[str, ...]
    timed_out: bool
    cancelled: bool  # ended because its run was


class _Command(NamedTuple):
    """A dvc command that runs; its pid is also its process group."""

    pid: int
    output: int
    status: IO[str]
    cancelled: threading.Event
    ended: threading.Event


_running: dict[int, _Command] = {}
_told: dict[str, str] = {}  # variables for all commands of the run
_ending = threading.Event()
_asking = threading.Lock()


def begin(told: Mapping[str, str]) -> None:
    """At the start of a run: the host loads DVC while the run is busy elsewhere.

    Args:
        told: Variables that every command of this run, and its stage, finds in its environment.
    """
    _ending.clear()
    _told.clear()
    _told.update(told)
    with _asking:
        start_host()


def is_ending() -> bool:
    """Whether the run is being ended, so that nothing new should begin."""
    return _ending.is_set()


def run_dvc(
    arguments: Sequence[str], say: Callable[[str], None], timeout_seconds: float | None = None
) -> Finished:
    """Run `dvc ARGUMENTS` to its end; each line of it and of its stage goes to `say` at once."""
    last_lines: deque[str] = deque(maxlen=LAST_LINES)
    with _started(arguments) as command, _bounded(command, timeout_seconds) as timed_out:
        for line in filter(None, _lines(command)):
            last_lines.append(line)
            say(line)
        told = command.status.readline()
        exit_code = int(told) if told else -signal.SIGKILL  # its keeper is gone, and so is it
        command.ended.set()
    return Finished(exit_code, tuple(last_lines), timed_out.is_set(), command.cancelled.is_set())


def end_all() -> None:
    """Interrupt what runs, so that it ends in order; kill what is left of it, children included."""
    _ending.set()
    commands = list(_running.values())
    for command in commands:
        command.cancelled.set()
        _signal_group(command, signal.SIGINT)
    for command in commands:
        command.ended.wait(_ORDERLY_SECONDS)
        _signal_group(command, signal.SIGKILL)


@contextlib.contextmanager
def _started(arguments: Sequence[str]) -> Iterator[_Command]:
    output, output_end = os.pipe()
    status, status_end = os.pipe()
    with open(output, "rb"), open(status) as told:  # noqa: PTH123 - pipes
        try:
            _request(arguments, output_end, status_end)
        finally:
            os.close(output_end)
            os.close(status_end)
        if not (pid := told.readline()):
            raise TemporaryError(f"dvc {' '.join(arguments)}: killed before it began. Run again.")
        command = _Command(int(pid), output, told, threading.Event(), threading.Event())
        _running[command.pid] = command
        try:
            yield command
        finally:
            _signal_group(command, signal.SIGKILL)  # leftovers, such as workers of a killed stage
            del _running[command.pid]


def _request(arguments: Sequence[str], *descriptors: int) -> None:
    folder, environment = str(Path.cwd()), _environment()
    request = {"arguments": list(arguments), "folder": folder, "environment": environment}
    with tempfile.TemporaryFile() as file:  # an environment can be longer than a message may be
        file.write(json.dumps(request).encode())
        file.seek(0)
        with _asking:
            try:
                socket.send_fds(start_host(), [b"!"], [file.fileno(), *descriptors])
            except (BrokenPipeError, ConnectionResetError):  # somebody has killed the host
                start_host().close()
                start_host.cache_clear()
                socket.send_fds(start_host(), [b"!"], [file.fileno(), *descriptors])


def _lines(command: _Command) -> Iterator[str]:
    """What the command says until it has ended; a daemon it left may hold its output longer."""
    pending = b""
    with selectors.DefaultSelector() as selector:
        selector.register(command.output, selectors.EVENT_READ)
        selector.register(command.status, selectors.EVENT_READ)
        while command.output in (ready := {key.fd for key, _ in selector.select()}) or not ready:
            if not (chunk := os.read(command.output, _CHUNK_BYTES)):
                break
            *lines, pending = (pending + chunk).split(b"\n")
            yield from (line.decode(errors="replace").rstrip() for line in lines)
    yield pending.decode(errors="replace").rstrip()


@cache
def start_host() -> socket.socket:
    """The socket of the one host of this process, which ends when the socket does."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = leashed([sys.executable, "-u", "-m", "flows.dvc_host", str(theirs.fileno())])

    def keep() -> None:  # the kernel ends the host with the thread that started it
        with theirs:
            host = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                pass_fds=[theirs.fileno()],
            )
        host.wait()

    threading.Thread(target=keep, daemon=True, name="dvc-host").start()
    atexit.register(ours.close)
    return ours


def _environment() -> Mapping[str, str]:
    tools = str(Path(sys.executable).parent)  # a stage's `python` is this environment's
    path = f"{tools}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return {**os.environ, **_told, **dvc_environment(), "PATH": path, "PYTHONUNBUFFERED": "1"}


@contextlib.contextmanager
def _bounded(command: _Command, seconds: float | None) -> Iterator[threading.Event]:
    timed_out = threading.Event()

    def end() -> None:
        timed_out.set()
        _signal_group(command, signal.SIGKILL)

    timer = threading.Timer(seconds or 0, end)
    if seconds:
        timer.start()
    try:
        yield timed_out
    finally:
        timer.cancel()


def _signal_group(command: _Command, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(command.pid, number)
