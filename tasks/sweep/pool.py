"""Trial processes side by side: so many at a time, a died one replaced, all ended together."""

import logging
import os
import subprocess
import sys
from pathlib import Path

from tasks.errors import FlywheelError, TemporaryError
from tasks.stage import PARENT_PID

log = logging.getLogger(__name__)
TRIAL = ["-u", "-m", "tasks.sweep.trial"]


def run_trials(folder: Path, num_trials: int, num_parallel: int, max_restarts: int) -> None:
    """Run `num_trials` trials of the study to their ends.

    A process that has died (killed, out of memory) is replaced up to `max_restarts` times: the
    next one goes on with its trial. Raises FlywheelError when that is not enough, or a trial says
    itself that it cannot go on; the others are ended then, and a later run goes on with them.
    """
    running: dict[int, subprocess.Popen[bytes]] = {}
    try:
        while num_trials or running:
            while num_trials and len(running) < num_parallel:
                process = _start(folder)
                running[process.pid] = process
                num_trials -= 1
            code = _next_ended(running)
            if code and may_heal(code) and max_restarts:
                log.info("a trial's process ended with %d; another one goes on with it", code)
                max_restarts -= 1
                num_trials += 1
            elif code:
                raise FlywheelError(explain(code))
    finally:
        for process in running.values():
            process.kill()
            process.wait()


def may_heal(exit_code: int) -> bool:
    """Killed, or temporary in its own words."""
    return exit_code < 0 or exit_code == TemporaryError.exit_code


def explain(exit_code: int) -> str:
    how = f"was ended by signal {-exit_code}" if exit_code < 0 else f"ended with code {exit_code}"
    return (
        f"a trial's process {how}; what it said is above. Mend that and run the sweep again: the "
        "trial goes on from its checkpoint."
    )


def _start(folder: Path) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, PARENT_PID: str(os.getpid())}
    return subprocess.Popen(
        [sys.executable, *TRIAL, str(folder)], env=environment, stdin=subprocess.DEVNULL
    )


def _next_ended(running: "dict[int, subprocess.Popen[bytes]]") -> int:
    """Wait for one of them, whichever it is, and take it out.

    Where the sweep is a container's first process, orphans of others become its children, too.
    """
    while True:
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)  # left for Popen to reap
        assert ended, "only a call that does not wait returns without one"
        if ended.si_pid in running:
            return running.pop(ended.si_pid).wait()
        os.waitid(os.P_PID, ended.si_pid, os.WEXITED)  # else it is the one found for ever
