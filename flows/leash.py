"""Nothing a run starts outlives it: `python -m flows.leash COMMAND...` ends with its parent."""

import os
import signal
import sys
import threading
import time
from collections.abc import Sequence

import psutil

from tasks.stage import PARENT_PID, die_with_parent

_GRACE_SECONDS = 2.0  # to report how it ended; all must be over 5 s after the worker's death


def leashed(command: Sequence[str]) -> list[str]:
    """The command that runs `command` for as long as the calling thread lives."""
    return [sys.executable, "-m", "flows.leash", f"--parent={os.getpid()}", *command]


def follow_worker() -> None:
    """When this process runs for a Prefect worker, end soon after that worker has died.

    The worker is no parent but a grandparent, so the kernel's death signal does not reach here.
    """
    for process in psutil.Process().parents():
        words = process.cmdline()
        if words[-1:] != ["worker"] and "worker" in words and "start" in words:
            threading.Thread(target=_follow, args=(process,), daemon=True).start()
            return


def _follow(process: psutil.Process) -> None:
    process.wait()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


def main(arguments: list[str]) -> None:
    """Become the command; the kernel kills it as soon as its parent's thread ends."""
    if arguments[0].startswith("--parent="):
        os.environ[PARENT_PID] = arguments.pop(0).removeprefix("--parent=")
    die_with_parent()
    os.environ[PARENT_PID] = str(os.getpid())  # a stage sees whether its own parent still lives
    os.execvp(arguments[0], arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
