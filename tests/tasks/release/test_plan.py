"""Versions, verdicts and pointers: what follows from what, without a file."""

import datetime

import pytest

from tasks.errors import GateError, InputError
from tasks.release import plan
from tasks.release.params import RehearsalParams
from tasks.releases import NOTHING, Change, Pointer, Release, Target
from tasks.verdict import Verdict
from tests.tasks.release.side import order

OLD, NEW = (Target(version=f"v1.{n}.0", manifest_sha256=str(n) * 64) for n in (1, 2))


AT = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def change(number: int, before: str | None, after: str | None, action: str = "promote") -> Change:
    return Change.model_validate({
        "number": number, "action": action, "at": AT,
        "who": "ann", "why": "x", "from_version": before, "to_version": after,
    })  # fmt: skip


def pointer(live: Target | None, previous: Target | None = None) -> Pointer:
    return NOTHING.model_copy(update={"live": live, "previous": previous})


def release(target: Target) -> Release:
    return Release(
        version=target.version, manifest_sha256=target.manifest_sha256, run="r", commit="c",
        judged_at=AT, decision="passed", champion=None,
    )  # fmt: skip


def verdict(candidate: Target, champion: str | None, decision: str = "passed") -> Verdict:
    return Verdict.model_validate({
        "decision": decision, "candidate": candidate.manifest_sha256, "champion": champion,
        "num_rows": 1, "conditions": [],
    })  # fmt: skip


@pytest.mark.parametrize(
    ("versions", "bump", "expected"),
    [
        ([], "major", "v1.0.0"),
        (["v1.0.0"], "minor", "v1.1.0"),
        (["v1.10.0", "v1.9.7"], "patch", "v1.10.1"),
        (["v1.9.7", "v2.0.3"], "minor", "v2.1.0"),
        (["v1.9.7"], "major", "v2.0.0"),
    ],
)
def test_the_next_version_follows_the_highest(
    versions: list[str], bump: str, expected: str
) -> None:
    assert plan.next_version(versions, bump) == expected


def test_the_gate_lets_pass_what_it_judged_against_what_is_live() -> None:
    assert plan.verdict_problem(release(NEW), verdict(NEW, None), None) == ""
    assert plan.verdict_problem(release(NEW), verdict(NEW, OLD.manifest_sha256), OLD) == ""


@pytest.mark.parametrize(
    ("judged", "live", "says"),
    [
        (verdict(OLD, None), None, "another bundle"),
        (verdict(NEW, None, "refused"), None, "verdict is refused"),
        (verdict(NEW, None, "undecided"), None, "verdict is undecided"),
        (verdict(NEW, None), OLD, "v1.1.0 is live now"),
        (verdict(NEW, OLD.manifest_sha256), None, "nothing is live now"),
        (verdict(NEW, ""), OLD, "v1.1.0 is live now"),
        (verdict(NEW, ""), None, "nothing is live now"),
    ],
)
def test_anything_else_needs_a_person_and_a_reason(
    judged: Verdict, live: Target | None, says: str
) -> None:
    problem = plan.verdict_problem(release(NEW), judged, live)
    assert says in problem
    with pytest.raises(GateError, match="despite_verdict"):
        plan.check_verdict(order("v1.2.0"), problem)
    with pytest.raises(InputError, match="needs a why"):
        plan.check_verdict(order("v1.2.0", why=" ", despite_verdict=True), problem)
    plan.check_verdict(order("v1.2.0", despite_verdict=True), problem)


def test_a_second_rollback_goes_further_back_never_forward_again() -> None:
    history = [
        change(1, None, "v1.0.0"), change(2, "v1.0.0", "v1.1.0"), change(3, "v1.1.0", "v1.2.0"),
        change(4, "v1.2.0", "v1.1.0", "roll back"),
    ]  # fmt: skip
    assert plan.predecessor(history, "v1.1.0") == "v1.0.0"
    assert plan.predecessor(history, "v1.0.0") is None


@pytest.mark.parametrize(
    ("promotions", "way_back"),
    [
        ("1 2 1", "1 2"),
        ("0 1 2 1", "1 2 0"),
        ("1 2 3 1 2", "2 1 3"),
        ("1 2 1 2 1 3", "3 1 2"),
    ],
)
def test_no_version_comes_twice_on_the_way_back(promotions: str, way_back: str) -> None:
    versions = [f"v1.{number}.0" for number in promotions.split()]
    pairs = zip([None, *versions], versions, strict=False)
    history = [change(number, *pair) for number, pair in enumerate(pairs, start=1)]
    way = [f"v1.{number}.0" for number in way_back.split()]
    assert [plan.predecessor(history, version) for version in way] == [*way[1:], None]


def test_what_was_left_or_put_back_is_not_on_the_way_back() -> None:
    history = [
        change(1, None, "v1.0.0"), change(2, "v1.0.0", "v1.1.0"),
        change(3, "v1.1.0", "v1.0.0", "roll back"), change(4, "v1.0.0", "v1.2.0"),
        change(5, "v1.2.0", "v1.0.0"), change(6, "v1.0.0", "v1.2.0", "put back"),
    ]  # fmt: skip
    assert plan.predecessor(history, "v1.2.0") == "v1.0.0"
    assert plan.predecessor(history, "v1.0.0") is None


def test_what_was_put_back_was_not_live_unless_it_was_before() -> None:
    once = [
        change(1, None, "v1.0.0"), change(2, "v1.0.0", "v1.1.0"),
        change(3, "v1.1.0", "v1.0.0", "put back"),
    ]  # fmt: skip
    assert not plan.was_live(once, "v1.1.0")
    assert plan.was_live(once, "v1.0.0")
    proven = [*once, change(4, "v1.0.0", "v1.1.0"), change(5, "v1.1.0", "v1.0.0", "roll back")]
    again = [*proven, change(6, "v1.0.0", "v1.1.0"), change(7, "v1.1.0", "v1.0.0", "put back")]
    assert plan.was_live(proven, "v1.1.0")
    assert plan.was_live(again, "v1.1.0")


def test_a_rehearsal_changes_nothing_live_and_a_promotion_ends_it() -> None:
    before, now = pointer(OLD), change(2, "v1.1.0", "v1.2.0")
    rehearsal = RehearsalParams(
        kind="shadow", seconds=600.0, poll_seconds=1.0, min_requests=1, max_error_share=0.0,
        max_disagreement=0.0, max_latency_ratio=1.0,
    )  # fmt: skip
    rehearsed = plan.rehearsing(before, NEW, rehearsal, now)
    assert (rehearsed.live, rehearsed.shadow, rehearsed.canary) == (OLD, NEW, None)
    assert rehearsed.until
    assert 600 < (rehearsed.until - now.at).total_seconds() < 700, "and ends by itself"
    promoted = plan.promoted(rehearsed, NEW, now)
    assert promoted.until is None
    assert (promoted.live, promoted.previous, promoted.shadow) == (NEW, OLD, None)
    back = plan.put_back(promoted, pointer(OLD), now)
    assert (back.live, back.previous) == (OLD, None)


def test_who_and_why_are_one_line_each() -> None:
    assert plan.one_line("a\nb\x1b[31m\t c\u2028d") == "a b [31m c d"
    assert len(plan.one_line("x" * 9999)) == 500
