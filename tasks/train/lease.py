"""Nodes that a scheduler started end when the stage that asked for them is gone."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LEASE = "lease"
_RENEWALS = 5  # in the time after which a lease that is not renewed has run out


@contextmanager
def renewed(work: Path, seconds: float) -> Iterator[None]:
    """While the block lasts, the nodes know that the stage is there."""
    ended = threading.Event()

    def renew() -> None:
        while not ended.wait(seconds / _RENEWALS):
            (work / LEASE).touch()

    (work / LEASE).touch()
    renewer = threading.Thread(target=renew, daemon=True)
    renewer.start()
    try:
        yield
    finally:
        ended.set()
        renewer.join()
        (work / LEASE).unlink(missing_ok=True)


def end_without(work: Path, seconds: float) -> None:
    """From now on, end this process in order when the lease is given back, or not renewed.

    Two readings are compared, not one with this node's clock, which may differ from the stage's.
    """

    def watch() -> None:
        seen, since = _read(work), time.monotonic()
        while seen and time.monotonic() - since < seconds:
            time.sleep(seconds / _RENEWALS)
            if (now := _read(work)) != seen:
                seen, since = now, time.monotonic()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def _read(work: Path) -> int:
    try:
        return (work / LEASE).stat().st_mtime_ns
    except FileNotFoundError:
        return 0
