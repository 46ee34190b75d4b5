"""What a release, a promotion or a rollback makes of what is there: pure, nothing is written."""

import datetime
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tasks.errors import GateError, InputError
from tasks.release.params import RehearsalParams
from tasks.releases import Change, Pointer, Release, Target, numbers_of
from tasks.verdict import Verdict

FIRST_VERSION = "v1.0.0"
_GRACE_SECONDS = 60.0  # of a rehearsal, for a slow machine
_MOST_REASONS = 3
_MOST_CHARACTERS = 500  # of who and why, which go into every line about a change


class Order(NamedTuple):
    """What a person, or the flywheel, asks for."""

    version: str
    who: str
    why: str
    despite_verdict: bool = False


def next_version(versions: Iterable[str], bump: str) -> str:
    """The one after the highest; the first is v1.0.0."""
    taken = [numbers_of(version) for version in versions]
    if not taken:
        return FIRST_VERSION
    major, minor, patch = max(taken)
    after = {
        "major": (major + 1, 0, 0),
        "minor": (major, minor + 1, 0),
        "patch": (major, minor, patch + 1),
    }
    return "v{}.{}.{}".format(*after[bump])


def verdict_problem(release: Release, verdict: Verdict, live: Target | None) -> str:
    """Why the gate does not let this very bundle replace what is live now; "": it does.

    A verdict against another champion says nothing of the one that would be replaced.
    """
    champion = live.manifest_sha256 if live else None
    if verdict.candidate != release.manifest_sha256:
        return "its verdict is of another bundle"
    if verdict.decision != "passed":
        says = reasons(verdict)
        return f"the gate's verdict is {verdict.decision}{f': {says}' if says else ''}"
    if verdict.champion != champion:
        return (
            f"it was judged against {release.champion or 'no champion'}, and "
            f"{live.version if live else 'nothing'} is live now"
        )
    return ""


def reasons(verdict: Verdict) -> str:
    """Why it is not passed, in one line; the verdict itself has all of it."""
    says = [f"{one.where}: {one.says}" if one.where else one.says for one in verdict.failed]
    more = f"; and {len(says) - _MOST_REASONS} more" if len(says) > _MOST_REASONS else ""
    return "; ".join(says[:_MOST_REASONS]) + more


def check_verdict(order: Order, problem: str) -> None:
    """GateError for a problem that the order does not take upon itself, with a reason."""
    if not problem:
        return
    if not order.despite_verdict:
        raise GateError(
            f"{order.version} is not promoted: {problem}. Mend the candidate, or take it upon you: "
            f"make promote VERSION={order.version} WHY='...' DESPITE=1 (form: despite_verdict)."
        )
    if not order.why.strip():
        raise InputError(f"{order.version}: {problem}. Promoting it despite that needs a why.")


def is_unproven(pointer: Pointer, target: Target) -> bool:
    """Whether it is live by a promotion that may have been killed before its probe.

    Nothing says whether that one came to its end, so this holds until the next change: whoever
    promotes it again has it proven again, and put back if it fails. With nothing to put back, as
    after the first promotion of all, it stays.
    """
    change = pointer.change
    is_last_promotion = change is not None and change.action == "promote"
    return pointer.live == target and is_last_promotion and pointer.previous is not None


def promoted(before: Pointer, target: Target, change: Change) -> Pointer:
    return Pointer(live=target, previous=before.live, canary=None, shadow=None, change=change)


def put_back(now: Pointer, before: Pointer, change: Change) -> Pointer:
    """What was live and what it could go back to, as it was before."""
    quiet = {"canary": None, "shadow": None, "change": change, "until": None}
    return now.model_copy(update={"live": before.live, "previous": before.previous, **quiet})


def rehearsing(before: Pointer, target: Target, params: RehearsalParams, change: Change) -> Pointer:
    """It ends by itself if nobody is left to end it."""
    until = change.at + datetime.timedelta(seconds=params.seconds + _GRACE_SECONDS)
    role = {"canary": None, "shadow": None, params.kind: target}
    return before.model_copy(update=role | {"change": change, "until": until})


def rolled_back(target: Target, previous: Target | None, change: Change) -> Pointer:
    return Pointer(live=target, previous=previous, canary=None, shadow=None, change=change)


def predecessor(history: Sequence[Change], version: str) -> str | None:
    """What was live before that version was: where a second rollback would go.

    Of each version the last promotion counts. What it was promoted after follows on what was
    before its earlier one, so from one predecessor to the next nothing comes twice.
    """
    before: dict[str | None, str | None] = {}
    for change in _promotions(history):
        earlier = before.get(change.to_version)
        for later, previous in before.items():
            if previous == change.to_version:
                before[later] = earlier
        before[change.to_version] = change.from_version
    return before.get(version)


def was_live(history: Sequence[Change], version: str) -> bool:
    return any(one.to_version == version for one in _promotions(history))


def rolled_back_from(history: Iterable[Change]) -> set[str]:
    """Versions that somebody left for another one."""
    backs = (one for one in history if one.action == "roll back")
    return {one.from_version for one in backs if one.from_version not in (None, one.to_version)}


def _promotions(history: Sequence[Change]) -> list[Change]:
    """Those that were not put back: what did not prove itself live does not count as live."""
    undone = {one.number - 1 for one in history if one.action == "put back"}
    return [one for one in history if one.action == "promote" and one.number not in undone]


def one_line(text: str) -> str:
    """Of who and why, as people type them: in logs and lists a line is a line."""
    plain = "".join(sign if sign.isprintable() else " " for sign in text)
    return " ".join(plain.split())[:_MOST_CHARACTERS]
