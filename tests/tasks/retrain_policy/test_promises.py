"""What holds whoever asks, in whatever order, by whatever clock: one world, thousands of lives."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.retrain_policy.decide import Case, Evidence, decide, dollars_of, expected_cost
from tasks.retrain_policy.history import Ended, Started, Training
from tasks.retrain_policy.params import RetrainPolicyParams
from tests.tasks.retrain_policy.cases import NOW, params

PARAMS = st.builds(
    params,
    cooldown_hours=st.sampled_from([0.0, 1.0, 6.0, 40.0]),
    max_attempts=st.integers(1, 3),
    days=st.sampled_from([0.5, 3.0]),
    hours=st.sampled_from([2.0, 5.0]),
    dollars=st.sampled_from([3.0, 100.0]),
    dollars_per_hour=st.sampled_from([0.0, 2.0]),
    first_hours=st.sampled_from([0.5, 1.5]),
)
EVIDENCE = st.builds(
    Evidence,
    asked_by=st.sampled_from(["schedule", "hand", "drift", "quality", "labels", "volume"]),
    is_forced=st.just(False),
    evidence_id=st.sampled_from("abcdefgh"),
    num_new=st.sampled_from([0, 10, 30, 50, 100, 500]),
    num_new_events=st.sampled_from([0, 60, 500]),
    num_held=st.sampled_from([0, 0, 60, 5000]),
    has_changed_inputs=st.booleans(),
    standing=st.sampled_from([(), ("drift",), ("quality", "drift")]),
)


class Ask(NamedTuple):
    """Somebody asks, and if the model is trained, it ends so."""

    evidence: Evidence
    jump_hours: float  # of the clock since the last, back or forth
    outcome: str | None  # None: killed
    share: float  # of the expected time that it takes
    planned_seconds: float | None


ASKS = st.lists(
    st.builds(
        Ask,
        evidence=EVIDENCE,
        jump_hours=st.floats(-50, 50),
        outcome=st.sampled_from(["finished", "finished", "stopped", "failed", "interrupted", None]),
        share=st.floats(0, 1),
        planned_seconds=st.sampled_from([None, 900.0, 9000.0]),
    ),
    max_size=40,
)


def live(asks: list[Ask], to: RetrainPolicyParams) -> Iterator[tuple[Case, Training]]:
    """Every training that comes of it, with what it was decided by."""
    history: list[Training] = []
    now = NOW
    for ask in asks:
        now += timedelta(hours=ask.jump_hours)
        case = Case(ask.evidence, tuple(history), to, now, ask.planned_seconds)
        if decide(case).kind == "train":
            history.append(trained(case, ask, now))
            yield case, history[-1]


def trained(case: Case, ask: Ask, now: datetime) -> Training:
    cost = expected_cost(case)
    run = str(len(case.history))
    started = Started(
        what="started", at=now, run_id=run, run=run, evidence_id=case.evidence.evidence_id,
        partitions=(), expected_seconds=cost.seconds, expected_dollars=cost.dollars,
    )  # fmt: skip
    if ask.outcome is None:
        return Training(started, None)
    seconds = cost.seconds * ask.share
    ended = Ended(
        what="ended", at=now, run_id=run, outcome=ask.outcome, seconds=seconds, message="",
        dollars=dollars_of(seconds, case.params), version=None,
    )  # fmt: skip
    return Training(started, ended)


@settings(max_examples=250, deadline=None, derandomize=True)
@given(ASKS, PARAMS)
def test_the_same_evidence_never_trains_twice(asks: list[Ask], to: RetrainPolicyParams) -> None:
    done: set[str] = set()
    tries: Counter[str] = Counter()
    for case, training in live(asks, to):
        evidence_id = case.evidence.evidence_id
        assert evidence_id not in done
        tries[evidence_id] += 1
        assert tries[evidence_id] <= to.max_attempts
        if training.outcome in ("finished", "stopped"):
            done.add(evidence_id)


@settings(max_examples=250, deadline=None, derandomize=True)
@given(ASKS, PARAMS)
def test_no_window_of_time_holds_more_than_the_budget(
    asks: list[Ask], to: RetrainPolicyParams
) -> None:
    trainings = [training for _, training in live(asks, to)]
    days = timedelta(days=to.budget.days)
    for first in trainings:
        window = [
            one for one in trainings if timedelta() <= one.started.at - first.started.at < days
        ]
        assert sum(one.seconds for one in window) <= to.budget.hours * 3600 + 1e-6
        assert sum(one.dollars for one in window) <= to.budget.dollars + 1e-6


@settings(max_examples=250, deadline=None, derandomize=True)
@given(ASKS, PARAMS)
def test_between_two_trainings_lies_the_cooldown_unless_a_person_asks(
    asks: list[Ask], to: RetrainPolicyParams
) -> None:
    pause = timedelta(hours=to.cooldown_hours)
    earlier: list[datetime] = []
    for case, training in live(asks, to):
        if case.evidence.asked_by != "hand":
            assert all(abs(training.started.at - at) >= pause for at in earlier)
        earlier.append(training.started.at)


@settings(max_examples=250, deadline=None, derandomize=True)
@given(ASKS, PARAMS, EVIDENCE, st.integers(1, 10**6))
def test_more_corrections_never_stop_a_training(
    asks: list[Ask], to: RetrainPolicyParams, evidence: Evidence, more: int
) -> None:
    history = tuple(training for _, training in live(asks, to))
    richer = evidence._replace(num_new=evidence.num_new + more)
    if decide(Case(evidence, history, to, NOW, None)).kind == "train":
        assert decide(Case(richer, history, to, NOW, None)).kind == "train"


@settings(max_examples=150, deadline=None, derandomize=True)
@given(ASKS, PARAMS, EVIDENCE)
def test_the_same_question_has_the_same_answer_and_force_always_trains(
    asks: list[Ask], to: RetrainPolicyParams, evidence: Evidence
) -> None:
    history = tuple(training for _, training in live(asks, to))
    case = Case(evidence, history, to, NOW, None)
    assert decide(case) == decide(case)
    assert decide(case._replace(evidence=evidence._replace(is_forced=True))).kind == "train"
