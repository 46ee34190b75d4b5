"""Git's tags made to say what live/ says: that is the truth, they follow it.

Whoever changes what is live calls `follow_live` afterwards. Where a kill or a remote that was away
left them behind, the next run calls `make_true`.
"""

from collections.abc import Callable

from flows.checkout import registry
from flows.checkout.remote_tags import push_tags
from tasks.errors import FlywheelError
from tasks.release.change import tagging
from tasks.releases import LIVE, Place, Release, numbers_of, read_pointer, read_release

Say = Callable[[str], None]
_WAIT_SECONDS = 30.0  # for somebody else's tags, whose remote may be slow


def follow_live(say: Say) -> str:
    """Stage `prod` is what the pointer says at this moment, whoever moved it last.

    Returns what a person must know of it, to be added to a message; most often nothing.
    """

    def follow() -> None:
        if live := read_pointer(place := Place(LIVE)).live:
            _enter(read_release(place, live.version), "prod")

    return _change(follow, say)


def enter(release: Release, stage: registry.Stage, say: Say) -> str:
    """A tag on its run's commit, and alone in the stage. Returns as `follow_live` does."""
    return _change(lambda: _enter(release, stage), say)


def leave(version: str, stage: registry.Stage, say: Say) -> str:
    return _change(lambda: registry.unassign(version, stage), say)


def are_true(release: Release) -> bool:
    """Whether it is a tag and was in staging, and `prod` is what is live."""
    if not _is_entered(release):
        return False
    live = read_pointer(Place(LIVE)).live
    return not live or registry.stage_commit("prod") == registry.registered_versions().get(
        live.version
    )


def make_true(release: Release, say: Say) -> str:
    """Returns as `follow_live` does."""
    if are_true(release):
        return ""
    entered = "" if _is_entered(release) else enter(release, "staging", say)
    return entered or follow_live(say)


def _is_entered(release: Release) -> bool:
    """In staging, or a later one is; a kill can come between the tag and the stage."""
    versions, staged = registry.registered_versions(), registry.stage_commit("staging")
    later = [version for version, commit in versions.items() if commit == staged]
    return release.version in versions and any(
        numbers_of(version) >= numbers_of(release.version) for version in later
    )


def _enter(release: Release, stage: registry.Stage) -> None:
    registry.register(release.version, release.commit)
    registry.assign(release.version, stage)


def _change(change: Callable[[], None], say: Say) -> str:
    """One after another, since the last must be the one that knows what is live."""
    try:
        if not registry.has_artifact():
            return ""
        with tagging(Place(LIVE), _WAIT_SECONDS):
            change()
            push_tags(say)
    except FlywheelError as error:  # what is live is live all the same
        say(str(error))
        return f"; git's tags do not say so yet: {error}"
    return ""
