"""One run at a time in a checkout: a lock that the kernel frees when its owner dies."""

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import filelock
import psutil

from tasks.artifacts import write_json
from tasks.errors import InputError, TemporaryError

STATE = Path(".dvc/tmp/flywheel")  # ignored by git, spared by `make clean`
LOCK_FILE = STATE / "checkout.lock"
HOLDER_FILE = STATE / "checkout.json"  # who holds the lock: for messages alone, never trusted
_REMINDER_SECONDS = 60.0
_POLL_SECONDS = 0.2


class CheckoutBusy(TemporaryError):
    """Another run works in this checkout."""


@contextlib.contextmanager
def checkout_lock(
    holder: str, timeout_seconds: float, say: Callable[[str], None]
) -> Iterator[None]:
    """Hold this checkout alone; `holder` is what others read while they wait.

    The descriptor is closed in every child, so a stage that outlives its run holds nothing.
    """
    lock = kernel_lock(LOCK_FILE)
    _acquire(lock, timeout_seconds, say)
    try:
        since = datetime.now(UTC).isoformat(timespec="seconds")
        write_json(HOLDER_FILE, {"holder": holder, "pid": os.getpid(), "since": since})
        yield
    finally:
        HOLDER_FILE.unlink(missing_ok=True)
        lock.release()


def kernel_lock(file: Path) -> filelock.BaseFileLock:
    """A flock of this file; DVC takes its own locks by the same call, so they exclude each other.

    Where the filesystem has no flock this fails, rather than leave a lock that outlives its owner.
    """
    if not Path(".dvc").is_dir():
        raise InputError(f".dvc: no such folder in {Path.cwd()}. Run from the repository's root.")
    file.parent.mkdir(parents=True, exist_ok=True)
    return filelock.FileLock(file, thread_local=False, fallback_to_soft=False)


def _acquire(
    lock: filelock.BaseFileLock, timeout_seconds: float, say: Callable[[str], None]
) -> None:
    deadline = time.monotonic() + timeout_seconds
    patience = 0.0
    while True:
        try:
            lock.acquire(timeout=patience, poll_interval=_POLL_SECONDS)
            return
        except filelock.Timeout:
            left = deadline - time.monotonic()
        if left <= 0:
            raise CheckoutBusy(
                f"{Path.cwd()}: still in use by {_describe_holder()} after {timeout_seconds:g} s of"
                " waiting. Let it end or stop it, then run again; or run in a clone of your own."
            )
        say(f"waiting for this checkout: in use by {_describe_holder()}")
        patience = min(_REMINDER_SECONDS, left)


def _describe_holder() -> str:
    """From the note beside the lock; a holder that was killed may have left an outdated one."""
    try:
        note = json.loads(HOLDER_FILE.read_text(encoding="utf-8"))
        since = datetime.fromisoformat(note["since"])
        holder, pid = str(note["holder"]), int(note["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return "a process that has not said its name"
    if not psutil.pid_exists(pid):
        return "a process that has not said its name yet"
    started = since.strftime("%H:%M" if since.date() == datetime.now(UTC).date() else "%F %H:%M")
    return f"{holder} (pid {pid}, since {started} UTC)"
