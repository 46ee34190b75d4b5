"""The frame every stage's command runs in: arguments, log, time, memory, and errors in one line."""

import argparse
import ctypes
import errno
import inspect
import json
import logging
import os
import re
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import psutil

from tasks.artifacts import write_json
from tasks.errors import FlywheelError

PARENT_PID = "FLYWHEEL_PARENT_PID"
RECORDS = Path(".run")  # what the last run of each stage cost, and why it failed; never an output
_FULL_OR_CLOSED = {
    errno.ENOSPC: "free some space and run again",
    errno.EDQUOT: "free some space or raise the quota, and run again",
    errno.EACCES: "let this user read and write there and run again",
    errno.EPERM: "let this user read and write there and run again",
    errno.EROFS: "remount it writable, or work in another folder",
}


def run(name: str, main: Callable[..., None]) -> NoReturn:
    """Run a stage's `main` with the paths of the command line, one per parameter of `main`."""
    die_with_parent()
    logging.basicConfig(level=logging.INFO, format=f"{name}: %(message)s", stream=sys.stdout)
    paths = _parse_paths(name, main)
    started = time.time()
    _record(name, started, failure="ended before it could say why (killed, or out of memory?)")
    try:
        main(*paths)
    except KeyboardInterrupt:
        _fail(name, started, "interrupted; nothing half-written was kept, run again to go on", 130)
    except FlywheelError as error:
        _fail(name, started, str(error), error.exit_code)
    except OSError as error:
        if error.errno not in _FULL_OR_CLOSED:
            _fail_unexpected(name, started, error)
        reason = f"{error.strerror} ({error.filename or paths[-1]})"
        _fail(name, started, f"{reason}; {_FULL_OR_CLOSED[error.errno]}", 1)
    except Exception as error:
        _fail_unexpected(name, started, error)
    _record(name, started, failure=None)
    sys.exit(0)


def read_record(name: str) -> dict[str, Any]:
    """What the last run of a stage left in `.run`; empty when it never ran on this machine."""
    try:
        record: dict[str, Any] = json.loads((RECORDS / f"{name}.json").read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return record


def _parse_paths(name: str, main: Callable[..., None]) -> list[Path]:
    parser = argparse.ArgumentParser(prog=f"python -m tasks.{name}", description=main.__doc__)
    for parameter in inspect.signature(main).parameters:
        parser.add_argument(parameter, type=Path)
    return list(vars(parser.parse_args()).values())


def _fail_unexpected(name: str, started: float, error: Exception) -> NoReturn:
    traceback.print_exception(error)
    reason = f"{type(error).__name__}: {error}; not foreseen, so please report the lines above"
    _fail(name, started, reason, 70)  # EX_SOFTWARE of sysexits.h


def _fail(name: str, started: float, reason: str, exit_code: int) -> NoReturn:
    reason = " ".join(reason.split())
    print(f"{name} failed: {reason}", file=sys.stderr, flush=True)
    _record(name, started, failure=reason)
    sys.exit(exit_code)


def _record(name: str, started: float, failure: str | None) -> None:
    record = {
        "started": started,
        "seconds": time.time() - psutil.Process().create_time(),  # imports are its time, too
        "peak_memory_mib": peak_memory_mib(),
        "failure": failure,
    }
    try:
        write_json(RECORDS / f"{name}.json", record)
    except OSError as error:  # the record is a courtesy; the stage's own result stands without it
        print(f"{name}: could not write {RECORDS}: {error}", file=sys.stderr)


def peak_memory_mib() -> float:
    """Most memory this process has held; getrusage's figure would include the parent's at fork."""
    status = Path("/proc/self/status").read_text()
    (kib,) = re.findall(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return int(kib) / 1024


def die_with_parent(number: int = signal.SIGKILL) -> None:
    """A killed `dvc` would leave this process writing on; the kernel ends it instead.

    A parent that names itself in the environment and is gone already ends it at once.
    """
    if sys.platform == "linux":
        set_parent_death_signal = 1  # PR_SET_PDEATHSIG of prctl(2)
        ctypes.CDLL(None).prctl(set_parent_death_signal, number)
    expected = os.environ.pop(PARENT_PID, None)
    if expected and int(expected) != os.getppid():
        sys.exit(f"process {expected}, which started this one, is gone; nothing was written")
