"""Changes of the pointer, one after another: each is made of the pointer that it was meant for."""

import contextlib
import datetime
import getpass
import os
import shutil
from collections.abc import Iterator

import filelock

from tasks.errors import InputError, TemporaryError
from tasks.release import plan
from tasks.releases import (
    Action,
    Change,
    Place,
    Pointer,
    Target,
    read_history,
    read_pointer,
    read_release,
    swap_pointer,
)

_LOCK = "release.lock"  # for the moment of a change: a rollback never waits for a promotion
_ADOPTION_LOCK = "adoption.lock"  # for the copy of a bundle, which no change waits for either
_PROMOTION_LOCK = "promotion.lock"  # for all of a promotion, rehearsal included
_TAGS_LOCK = "tags.lock"  # of those that follow what is live, such as git's tags


def make_private(place: Place) -> None:
    """What is live answers for its owner: nobody else reads or writes here."""
    for folder in (place.folder, place.releases):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)


@contextlib.contextmanager
def changing(place: Place, seconds: float) -> Iterator[None]:
    """Alone with the pointer; TemporaryError when it stays taken."""
    with _alone(place, _LOCK, seconds, "another change of what is live"):
        yield


@contextlib.contextmanager
def adopting(place: Place, seconds: float) -> Iterator[None]:
    """Alone with what is to become a release; the pointer is none of its business."""
    with _alone(place, _ADOPTION_LOCK, seconds, "another candidate's copy"):
        yield


@contextlib.contextmanager
def promoting(place: Place, seconds: float) -> Iterator[None]:
    """The only promotion under way; whatever it leaves when it is killed, the next one ends."""
    with _alone(place, _PROMOTION_LOCK, seconds, "another promotion"):
        yield


@contextlib.contextmanager
def tagging(place: Place, seconds: float) -> Iterator[None]:
    """Alone with saying elsewhere what is live; TemporaryError when it stays taken."""
    with _alone(place, _TAGS_LOCK, seconds, "somebody who tags releases"):
        yield


def find_user() -> str:
    """Who types; in a container there may be no name for them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def describe(
    pointer: Pointer, action: Action, by: tuple[str, str], to_version: str | None
) -> Change:
    """The next line of the history; `by`: who, and why."""
    number = pointer.change.number + 1 if pointer.change else 1
    from_version = pointer.live.version if pointer.live else None
    who, why = map(plan.one_line, by)
    now = datetime.datetime.now(datetime.UTC)
    return Change(
        number=number, action=action, at=now, who=who, why=why,
        from_version=from_version, to_version=to_version,
    )  # fmt: skip


def replace(place: Place, expected: Pointer, new: Pointer, seconds: float) -> None:
    """Swap the pointer if it still is what `new` was made of; TemporaryError if not."""
    with changing(place, seconds):
        if (found := read_pointer(place)) != expected:
            raise TemporaryError(f"meanwhile {tell(found)}. Look at that, then try again.")
        try:
            swap_pointer(place, new)
        except BaseException as error:  # after the rename: what was not said is not so
            if read_pointer(place) == new:
                swap_pointer(place, _undone(expected, new, error))
            raise


def find_earlier(place: Place, target: Target) -> Target | None:
    """Where a rollback from it would go: never forward again to what was left for it."""
    with contextlib.suppress(InputError):
        version = plan.predecessor(read_history(place), target.version)
        if version:
            return read_release(place, version).target
    return None


def tell(pointer: Pointer) -> str:
    """Its change, as a person says it."""
    if (change := pointer.change) is None:
        return "nothing was released"
    return f"{change.who} did {change.action} {change.to_version or 'nothing'} ({change.why})"


def _undone(before: Pointer, new: Pointer, error: BaseException) -> Pointer:
    """A change of its own: for a moment the new one stood, and the history has it by now."""
    who = new.change.who if new.change else ""
    why = f"it was not written to its end: {error or type(error).__name__}"
    version = before.live.version if before.live else None
    return before.model_copy(update={"change": describe(new, "put back", (who, why), version)})


@contextlib.contextmanager
def _alone(place: Place, name: str, seconds: float, holder: str) -> Iterator[None]:
    with _disk_told(place):
        make_private(place)
        # a lock of the kernel: it ends with its owner, and where there is none this fails
        lock = filelock.FileLock(place.folder / name, mode=0o600, fallback_to_soft=False)
        try:
            lock.acquire(timeout=seconds, poll_interval=0.02)
        except filelock.Timeout:
            raise TemporaryError(
                f"{place.folder / name}: {holder} has taken longer than {seconds:g} s. Try again."
            ) from None
        try:
            yield
        finally:
            lock.release()


@contextlib.contextmanager
def _disk_told(place: Place) -> Iterator[None]:
    """One that is full, read-only or ill, in one line."""
    try:
        yield
    except OSError as error:
        says: object = error
        if isinstance(error, shutil.Error) and isinstance(error.args[0], list):
            says = error.args[0][0][-1]  # of all files that could not be copied the first
        raise TemporaryError(
            f"{place.folder}: {plan.one_line(str(says))}. Make room there, or make it writable; "
            "see what is live (make releases); then try again."
        ) from None
