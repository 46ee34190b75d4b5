"""The folders of feedback, and the lock that lets one process at a time change them."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import filelock

from tasks.errors import InputError, TemporaryError
from tasks.feedback import ACCEPTED, QUARANTINED, Partition, list_partitions

NEW, READY = ".ingest.new", ".ingest"  # being made; decided, and to be moved where it belongs
DECIDED = ".ingest.decided"  # what people decided; not DVC's, so no restore takes it back
_LOCK = ".ingest.lock"


@contextlib.contextmanager
def locked(target: Path, wait_seconds: float) -> Iterator[None]:
    """Hold these folders alone; the kernel lets go of them when this process dies."""
    for name in (ACCEPTED, QUARANTINED):
        (target / name).mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(target / _LOCK, timeout=wait_seconds, fallback_to_soft=False)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise TemporaryError(
            f"{target}: another process still changes it after {wait_seconds:g} s. Let it end, "
            "then run again."
        ) from None
    try:
        yield
    finally:
        lock.release()


def all_partitions(target: Path) -> list[Partition]:
    """Accepted and quarantined; InputError when one's file is not there."""
    found = [one for name in (ACCEPTED, QUARANTINED) for one in list_partitions(target / name)]
    for one in found:
        if not one.file.is_file():
            raise InputError(
                f"{one.file}: missing, and its manifest vouches for {one.manifest.num_events} "
                f"events. Restore it: dvc checkout {one.file.parent}."
            )
    return found
