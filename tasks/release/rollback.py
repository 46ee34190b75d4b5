"""Back to an earlier release at once; only that one is looked at, whatever the newest is like."""

from collections.abc import Callable
from typing import NamedTuple

from tasks import live_service
from tasks.bundle import verify_bundle
from tasks.errors import FlywheelError, GateError, InputError, ParamsError
from tasks.params import load_params
from tasks.release import plan
from tasks.release.change import changing, describe, find_earlier
from tasks.release.known import last_number
from tasks.release.params import ReleaseParams
from tasks.release.probe import check_identity
from tasks.releases import (
    NOTHING,
    Change,
    Place,
    Pointer,
    Target,
    find_bundle,
    list_versions,
    read_history,
    read_pointer,
    read_release,
    swap_pointer,
)

_PATIENCE_SECONDS = 10.0  # where params.yaml, which may be what is broken, does not say


class RolledBack(NamedTuple):
    change: Change
    target: Target


class Answer(NamedTuple):
    says: str
    refused: bool


def roll_back(
    place: Place, to_version: str | None, by: tuple[str, str], seconds: float
) -> RolledBack:
    """Swap the pointer to that version, or to what was live before; `by`: who, and why.

    A canary or shadow ends with it. InputError when there is nothing to go back to, or it is not
    as it was released.
    """
    if not plan.one_line(by[1]):
        to = f"TO={to_version} " if to_version else ""
        raise InputError(
            f"nothing is rolled back: the history keeps why. make rollback {to}WHY='what is wrong'"
        )
    with changing(place, seconds):
        before = _read(place, to_version)
        target = _find(place, before, to_version)
        verify_bundle(find_bundle(place, target))
        change = describe(before, "roll back", by, target.version)
        if before.change is None:
            change = change.model_copy(update={"number": last_number(place) + 1})
        swap_pointer(place, plan.rolled_back(target, find_earlier(place, target), change))
    return RolledBack(change, target)


def read_seconds(say: Callable[[str], None]) -> tuple[float, float]:
    """How long to wait for another change, and for the service; no params, and it goes on."""
    try:
        params = load_params("release", ReleaseParams)
    except (ParamsError, OSError) as error:
        say(f"waits {_PATIENCE_SECONDS:g} s at most, since params cannot say: {error}")
        return _PATIENCE_SECONDS, _PATIENCE_SECONDS
    return params.wait_seconds, params.probe.seconds


def ask_service(place: Place, target: Target, seconds: float) -> Answer:
    """What the running service says to a rollback, which stands whatever it says.

    One that cannot be asked, such as one that is restarting, has not refused.
    """
    try:
        if (service := live_service.find_service(place)) is None:
            return Answer("no service runs; the next one starts with it", refused=False)
        check_identity(service, target, seconds)
    except GateError as error:
        remedy = f"{target.version} stays named; another: make rollback TO=VERSION WHY='...'"
        return Answer(f"but {error} ({remedy})", refused=True)
    except FlywheelError as error:
        return Answer(f"but {error}", refused=False)
    return Answer(f"{service.url} answers with it", refused=False)


def _read(place: Place, to_version: str | None) -> Pointer:
    try:
        return read_pointer(place)
    except InputError:
        if to_version is None:  # it would have said where to
            raise
        return NOTHING


def _find(place: Place, pointer: Pointer, to_version: str | None) -> Target:
    if to_version:
        target = read_release(place, to_version).target
        _refuse_newcomer(place, to_version)
        return target
    if pointer.previous is None:
        live = pointer.live.version if pointer.live else "nothing"
        there = ", ".join(list_versions(place)) or "none"
        raise InputError(f"{live} is live, and nothing was before it. Name a version of {there}.")
    return pointer.previous


def _refuse_newcomer(place: Place, version: str) -> None:
    """Going back to what never was live would go round gate and proofs."""
    try:
        history = read_history(place)
    except InputError:  # nobody can say any more what was live: the person's word counts
        return
    if not plan.was_live(history, version):
        raise InputError(
            f"{version} was never live, so there is no way back to it. To make it live: make "
            f"promote VERSION={version}"
        )
