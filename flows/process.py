"""One Python module in a process group of its own: streamed line by line, ended with its run."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from flows.leash import leashed
from tasks.stage import PARENT_PID

LAST_LINES = 20
_running: "set[subprocess.Popen[str]]" = set()
_told: dict[str, str] = {}
_ending = threading.Event()


class Ended(NamedTuple):
    exit_code: int  # negative: the signal that ended it
    last_lines: tuple[str, ...]
    cancelled: bool  # ended because its run was


def begin(told: Mapping[str, str]) -> None:
    """At the start of a run.

    Args:
        told: Variables that every module of this run finds in its environment.
    """
    _ending.clear()
    _told.clear()
    _told.update(told)


def run_module(module: str, arguments: Sequence[str], say: Callable[[str], None]) -> Ended:
    """`python -m MODULE ARGUMENTS` to its end; each line it says goes to `say` at once."""
    last_lines: deque[str] = deque(maxlen=LAST_LINES)
    if _ending.is_set():
        return Ended(-signal.SIGINT, (), cancelled=True)
    # the leash names itself as the parent of what its command starts; here there is none between
    unnamed = ["env", f"--unset={PARENT_PID}"]
    command = leashed([*unnamed, sys.executable, "-u", "-m", module, *arguments])
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", start_new_session=True, env={**os.environ, **_told},
    ) as process:  # fmt: skip
        _running.add(process)
        # what it leaves behind would hold its output open
        threading.Thread(target=_end_leftovers, args=(process,), daemon=True).start()
        try:
            assert process.stdout
            for line in map(str.rstrip, process.stdout):
                last_lines.append(line)
                say(line)
        finally:
            _signal_group(process, signal.SIGKILL)
            _running.discard(process)
    return Ended(process.returncode, tuple(last_lines), _ending.is_set())


def end_all() -> None:
    """End what runs, children included; nothing new begins."""
    _ending.set()
    for process in list(_running):
        _signal_group(process, signal.SIGKILL)


def _end_leftovers(process: "subprocess.Popen[str]") -> None:
    process.wait()
    _signal_group(process, signal.SIGKILL)


def _signal_group(process: "subprocess.Popen[str]", number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
