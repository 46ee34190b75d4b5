"""DVC's own locks: held while its files are mended, its table of busy paths freed of the dead."""

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import filelock
import psutil
from pydantic import BaseModel, ConfigDict, ValidationError

from flows.checkout.lock import CheckoutBusy, kernel_lock

DVC_LOCK_FILE = Path(".dvc/tmp/lock")  # DVC writes dvc.lock only while it holds this
BUSY_PATHS = Path(".dvc/tmp/rwlock")  # written in place, by process number alone
BUSY_PATHS_GUARD = Path(".dvc/tmp/rwlock.lock")  # DVC writes BUSY_PATHS only while it holds this
WAIT_SECONDS = 60.0
_POLL_SECONDS = 0.5


class Claim(BaseModel):
    """A process that reads or writes a path, as DVC notes it."""

    model_config = ConfigDict(extra="forbid")

    pid: int
    cmd: str


class BusyPaths(BaseModel):
    """The whole table, by the schema that DVC itself holds it to."""

    model_config = ConfigDict(extra="forbid")

    write: dict[str, Claim] = {}
    read: dict[str, list[Claim]] = {}

    def claims(self) -> list[Claim]:
        return [*self.write.values(), *(claim for claims in self.read.values() for claim in claims)]


class DvcProcess(NamedTuple):
    pid: int
    command: str


@contextlib.contextmanager
def dvc_lock(wait_seconds: float | None = None) -> Iterator[None]:
    """No `dvc` writes dvc.lock inside this block, so what is found broken there stays broken."""
    with _held(DVC_LOCK_FILE, WAIT_SECONDS if wait_seconds is None else wait_seconds):
        yield


def free_busy_paths(say: Callable[[str], None]) -> None:
    """Remove the table when it is damaged or names processes that are gone or never were DVC's.

    While a `dvc` started by hand works here, wait for it: the table may be all that keeps it safe.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    told = False
    while workers := _remove_if_stale(say):
        if time.monotonic() >= deadline:
            raise _busy(workers, WAIT_SECONDS)
        if not told:
            say(f"waiting for {_describe(workers)}, which works in this checkout")
            told = True
        time.sleep(_POLL_SECONDS)


def find_dvc_processes() -> list[DvcProcess]:
    """Every `dvc` that works in this checkout, however it was started."""
    found = (_as_dvc_process(process) for process in psutil.process_iter())
    return [process for process in found if process]


def _remove_if_stale(say: Callable[[str], None]) -> list[DvcProcess]:
    """Returns the living `dvc` processes to wait for; none means that the table is in order."""
    with _held(BUSY_PATHS_GUARD, WAIT_SECONDS):
        content = BUSY_PATHS.read_bytes() if BUSY_PATHS.exists() else b"{}"
        try:
            claims = BusyPaths.model_validate(json.loads(content)).claims()
            reason = "named processes that are gone"
        except (ValueError, ValidationError, RecursionError):
            claims = None
            reason = f"was damaged ({len(content)} bytes)"
        if claims == []:
            return []
        workers = find_dvc_processes() + _claimants(claims or [])
        if not workers:
            BUSY_PATHS.unlink(missing_ok=True)
            say(f"{BUSY_PATHS} {reason}, left by a killed dvc: removed")
        return workers


def _claimants(claims: list[Claim]) -> list[DvcProcess]:
    """Claims whose number still belongs to the process that made them, not to a later one.

    They need not look like `dvc`: a program that uses DVC as a library claims paths as well.
    """
    living = []
    for claim in {claim.pid: claim for claim in claims}.values():
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(claim.pid)
            if _is_foreign(process) and " ".join(process.cmdline()).endswith(claim.cmd):
                living.append(DvcProcess(claim.pid, claim.cmd))
    return living


def _as_dvc_process(process: psutil.Process) -> DvcProcess | None:
    with contextlib.suppress(psutil.Error):
        arguments = process.cmdline()  # empty for one that is dead and not yet buried
        if _is_dvc(arguments) and _is_foreign(process):
            here, there = Path.cwd().resolve(), Path(process.cwd()).resolve()
            if there.is_relative_to(here):
                return DvcProcess(process.pid, " ".join(arguments))
    return None


def _is_dvc(arguments: list[str]) -> bool:
    program, *others = [Path(argument).name for argument in arguments[:4]] or [""]
    is_dvc = program == "dvc" or (program.startswith("python") and "dvc" in others)
    return is_dvc and "daemon" not in arguments  # that only looks for updates


def _is_foreign(process: psutil.Process) -> bool:
    return process.pid != os.getpid() and bool(process.status() != psutil.STATUS_ZOMBIE)


@contextlib.contextmanager
def _held(file: Path, wait_seconds: float) -> Iterator[None]:
    lock = kernel_lock(file)
    try:
        lock.acquire(timeout=wait_seconds, poll_interval=_POLL_SECONDS / 10)
    except filelock.Timeout:
        raise _busy(find_dvc_processes(), wait_seconds) from None
    try:
        yield
    finally:
        lock.release()


def _busy(workers: list[DvcProcess], waited_seconds: float) -> CheckoutBusy:
    return CheckoutBusy(
        f"{Path.cwd()}: {_describe(workers) or 'a dvc process'} still works here after"
        f" {waited_seconds:g} s of waiting. Let it end or stop it, then run again."
    )


def _describe(workers: list[DvcProcess]) -> str:
    return " and ".join(f"`{worker.command}` (pid {worker.pid})" for worker in workers)
