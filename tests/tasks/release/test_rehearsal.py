"""Canary and shadow: bounds on figures, and a real rehearsal on the real service's traffic."""

import contextlib
import itertools
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks import live_service
from tasks.errors import GateError, TemporaryError
from tasks.live_service import Service, Traffic
from tasks.release import promotion
from tasks.release.change import describe, replace
from tasks.release.params import RehearsalParams
from tasks.release.plan import rehearsing
from tasks.release.promotion import promote
from tasks.release.rehearsal import judge, since
from tasks.release.rollback import roll_back
from tasks.releases import read_history, read_pointer, read_release
from tests.tasks.release import side
from tests.tasks.release.side import PLACE, make_live, make_release, order, params, running_service

CHAMPION = Traffic(num_requests=1000, seconds_mean=0.010)


def bounds(kind: str) -> RehearsalParams:
    return RehearsalParams.model_validate({
        "kind": kind, "seconds": 1.0, "poll_seconds": 0.1, "min_requests": 100,
        "max_error_share": 0.01, "max_disagreement": 0.25, "max_latency_ratio": 2.0,
    })  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "candidate", "says"),
    [
        ("canary", Traffic(num_requests=980, num_errors=20), "2.00% errors, at most 1.00%"),
        ("canary", Traffic(num_requests=100, seconds_mean=0.021), "2.10 x the champion's time"),
        ("shadow", Traffic(num_compared=100, num_disagreed=26), "26.0% other labels"),
        ("shadow", Traffic(num_errors=5), "100.00% errors"),
    ],
)  # fmt: skip
def test_each_bound_that_is_broken_is_named(kind: str, candidate: Traffic, says: str) -> None:
    (problem,) = judge(candidate, CHAMPION, bounds(kind))
    assert says in problem


@pytest.mark.parametrize(
    ("kind", "candidate"),
    [
        ("canary", Traffic(num_requests=990, num_errors=10, seconds_mean=0.019)),
        ("canary", Traffic(num_requests=990, num_compared=10, num_disagreed=10)),
        ("shadow", Traffic(num_requests=99, seconds_mean=9.0, num_compared=100, num_disagreed=25)),
    ],
)
def test_within_its_bounds_a_candidate_passes(kind: str, candidate: Traffic) -> None:
    assert judge(candidate, CHAMPION, bounds(kind)) == []


def test_the_champions_figures_are_those_of_the_rehearsal_alone() -> None:
    now = Traffic(num_requests=1100, seconds_mean=0.011)
    assert since(now, CHAMPION).seconds_mean == pytest.approx(0.021)
    restarted = Traffic(num_requests=5, seconds_mean=0.1)
    assert since(restarted, CHAMPION) == restarted


@contextlib.contextmanager
def traffic(service: Service) -> Iterator[None]:
    """Requests of a client that never stops asking, each of another text."""
    ended = threading.Event()

    def ask() -> None:
        for number in itertools.count():
            if ended.is_set():
                return
            with contextlib.suppress(TemporaryError):
                live_service.predict(service, [f"it was good, {number} times"], 10)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@pytest.fixture
def champion_and_candidate(packaged: Path) -> None:
    first = make_release(packaged, "first")
    make_live(first)
    make_release(packaged, "second", champion=first)


@pytest.mark.slow
@pytest.mark.usefixtures("champion_and_candidate")
@pytest.mark.parametrize("kind", ["canary", "shadow"])
def test_a_candidate_that_does_well_goes_live_after_its_rehearsal(kind: str) -> None:
    side.write_params(
        Path(),
        rehearsal={
            "kind": kind, "seconds": 3.0, "poll_seconds": 0.2, "min_requests": 5,
            "max_latency_ratio": 50.0,
        },
    )  # fmt: skip
    said: list[str] = []
    with running_service() as service, traffic(service):
        line = promote(PLACE, params(), order("v1.1.0"), said.append)
    assert "answers as v1.1.0" in line
    assert any(one.startswith(f"{kind}: ") and "0 errors" in one for one in said)
    actions = [change.action for change in read_history(PLACE)]
    assert actions == ["promote", "rehearse", "end rehearsal", "promote"]
    assert (read_pointer(PLACE).canary, read_pointer(PLACE).shadow) == (None, None)


@pytest.mark.slow
@pytest.mark.usefixtures("champion_and_candidate")
def test_without_traffic_there_is_nothing_to_judge_by_and_it_does_not_go_live() -> None:
    side.write_params(Path(), rehearsal={"kind": "canary", "seconds": 1.0, "poll_seconds": 0.2})
    with running_service(), pytest.raises(GateError, match=r"0 requests in 1 s, at least 200"):
        promote(PLACE, params(), order("v1.1.0"), print)
    pointer = read_pointer(PLACE)
    assert pointer.live
    assert (pointer.live.version, pointer.canary) == ("v1.0.0", None)
    assert read_history(PLACE)[-1].action == "end rehearsal"
    assert "at least 200 expected" in read_history(PLACE)[-1].why


@pytest.mark.slow
@pytest.mark.usefixtures("champion_and_candidate")
def test_a_rollback_ends_a_rehearsal_at_once() -> None:
    side.write_params(Path(), rehearsal={"kind": "canary", "seconds": 60.0, "poll_seconds": 0.1})
    with running_service():
        timer = threading.Timer(3.0, roll_back, (PLACE, "v1.0.0", ("bob", "odd"), 5.0))
        timer.start()
        with pytest.raises(GateError, match="canary ended: meanwhile bob did roll back"):
            promote(PLACE, params(), order("v1.1.0"), print)
    assert read_history(PLACE)[-1].who == "bob"


@pytest.mark.usefixtures("champion_and_candidate")
@pytest.mark.parametrize("kind", ["canary", "shadow"])
def test_one_that_was_killed_leaves_live_alone_and_the_next_promotion_ends_it(kind: str) -> None:
    before = read_pointer(PLACE)
    target = read_release(PLACE, "v1.1.0").target
    change = describe(before, "rehearse", ("ann", "x"), "v1.1.0")
    rehearsal = params().rehearsal.model_copy(update={"kind": kind})
    replace(PLACE, before, rehearsing(before, target, rehearsal, change), 5)
    assert read_pointer(PLACE).live == before.live
    said: list[str] = []
    with promotion.begun(PLACE, params(), order("v1.0.0"), said.append) as proven:
        assert (proven.before.canary, proven.before.shadow) == (None, None)
    assert said == ["v1.1.0 was left as canary or shadow by a promotion that was killed: ended"]
    assert read_history(PLACE)[-1].action == "end rehearsal"


@pytest.mark.usefixtures("champion_and_candidate")
def test_without_a_service_there_is_nothing_to_rehearse_on_and_it_says_so() -> None:
    side.write_params(Path(), rehearsal={"kind": "shadow"})
    said: list[str] = []
    promote(PLACE, params(), order("v1.1.0"), said.append)
    assert "no shadow: no service runs, so there is no traffic to rehearse on" in said
