"""The checkout made fit for a run: what a kill, a full disk or a hand left behind is put right."""

import contextlib
from collections.abc import Callable
from pathlib import Path

from flows.checkout import overrides
from flows.checkout.dvc_locks import dvc_lock, free_busy_paths
from flows.checkout.inputs import verify_inputs
from flows.checkout.lock import CheckoutBusy
from flows.checkout.lock_file import (
    DVC_LOCK,
    GOOD_COPY,
    DamagedLock,
    parse_dvc_lock,
    read_good_copy,
)
from flows.checkout.rescue import move_aside, rescue_edits, rescue_folder
from flows.checkout.surroundings import check_free_space, dvc_environment, site_cache
from tasks.artifacts import whole_file
from tasks.errors import InputError

__all__ = [
    "dvc_environment", "keep_lock_copy", "mend", "rescue_edits", "restore_dvc_lock", "site_cache",
    "verify_inputs",
]  # fmt: skip

_COPY_WAIT_SECONDS = 5.0


def mend(say: Callable[[str], None]) -> None:
    """Called by who holds the checkout's lock, before anything reads DVC's files."""
    check_free_space(say)
    free_busy_paths(say)
    restore_dvc_lock(say)
    overrides.put_back(say)


def restore_dvc_lock(say: Callable[[str], None]) -> None:
    """Put the good copy in place of a damaged dvc.lock; what was left of it is kept, too.

    DVC's lock is held meanwhile: a file that another `dvc` is about to finish is not damaged.
    """
    with dvc_lock():
        try:
            parse_dvc_lock(content := DVC_LOCK.read_bytes())
        except FileNotFoundError:
            return  # nothing ran yet
        except DamagedLock as problem:
            reason = problem.reason
        else:
            return
        good, kept = read_good_copy(), rescue_folder() / DVC_LOCK
        if good is None:
            move_aside(DVC_LOCK, kept.parent)
            say(
                f"{reason}, and there is no good copy: moved to {kept}; DVC looks at every stage"
                " anew, and takes from its cache what it has made before"
            )
        else:
            if content:
                _write(kept, content)
            _write(DVC_LOCK, good)
            left = f"; what was left of it is {kept}" if content else ""
            say(f"{reason}: restored from the copy of the last success{left}")


def keep_lock_copy() -> None:
    """Called after each success of DVC. A file that is not whole never replaces the good copy, and
    a `dvc` that writes for long is not waited for: the copy is then a little older."""
    with (
        contextlib.suppress(FileNotFoundError, InputError, CheckoutBusy),
        dvc_lock(_COPY_WAIT_SECONDS),
    ):
        parse_dvc_lock(content := DVC_LOCK.read_bytes())
        if content != read_good_copy():
            _write(GOOD_COPY, content)


def _write(file: Path, content: bytes) -> None:
    with whole_file(file) as stream:
        stream.write(content)
