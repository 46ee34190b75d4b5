"""Each rule of the policy by itself, and which of two has the word."""

from typing import Any

import pytest

from tasks.retrain_policy.decide import Case, decide, evidence_id_of, expected_cost
from tasks.retrain_policy.history import Training
from tests.tasks.retrain_policy.cases import ENOUGH, NOW, SHIPPED, ask, params, training

RICH = params(hours=1000.0, dollars=1e9)
PAID = params(dollars=10.0, dollars_per_hour=4.0)
DRIFT = ("drift",)


@pytest.mark.parametrize(
    ("history", "changes", "kind", "reason"),
    [
        ([], {}, "train", "100 new corrections; asked by schedule"),
        ([], {"num_new": 99}, "skip", "99 new corrections; 100 are wanted when schedule asks"),
        ([], {"num_new": 30, "asked_by": "drift"}, "train", "asked by drift"),
        ([], {"num_new": 29, "asked_by": "quality"}, "skip", "30 are wanted when quality asks"),
        ([], {"num_new": 99, "asked_by": "volume"}, "skip", "100 are wanted when volume asks"),
        ([], {"num_new": 99, "asked_by": "labels"}, "skip", "100 are wanted when labels asks"),
        ([], {"num_new": 40}, "skip", "40 new corrections; 100 are wanted when schedule asks"),
        ([], {"num_new": 40, "standing": DRIFT}, "train", "asked by schedule while drift stands"),
        ([], {"num_new": 29, "standing": DRIFT}, "skip", "30 are wanted when schedule asks while"),
        ([], {"num_new": 40, "asked_by": "labels", "standing": ("quality",)}, "train", "quality"),
        ([training(5.9)], {"num_new": 40, "standing": DRIFT}, "skip", "between two trainings"),
        ([training(6)], {"num_new": 40, "standing": DRIFT}, "train", "while drift stands"),
        ([], {"num_new": 0, "standing": DRIFT}, "skip", "nothing to do"),
        ([], {"num_new": 1, "asked_by": "hand"}, "train", "1 new corrections; asked by hand"),
        ([], {"num_new": 1, "asked_by": "hand", "standing": DRIFT}, "train", "asked by hand"),
        ([], {"num_new": 0, "has_changed_inputs": True}, "train", "changed data, params or code"),
        ([], {"num_new": 0}, "skip", "nothing to do"),
        ([], {"num_new": 0, "asked_by": "drift"}, "skip", "nothing to do"),
        ([], {"num_new": 0, "asked_by": "hand"}, "skip", "nothing to do"),
        ([], {"num_held": 100}, "train", "100 new corrections"),  # just half of what came
        ([], {"num_held": 101}, "block", "101 events are held in quarantine, 50%"),
        ([], {"num_held": 101, "num_new_events": 102}, "train", "100 new"),  # repeated
        ([], {"num_held": 49, "num_new": 1, "asked_by": "hand"}, "train", "1 new"),
        ([], {"num_held": 5000, "num_new": 0}, "skip", "nothing to do"),
        ([training(5.9)], {}, "skip", "run run-5.9 trained at 2026-11-25 20:06 UTC"),
        ([training(5.9, None)], {}, "skip", "between two trainings are 6 h"),
        ([training(6)], {}, "train", "100 new"),
        ([training(-5.9)], {}, "skip", "between two trainings are 6 h"),  # a clock put back
        ([training(-24 * 365)], {}, "train", "100 new"),  # one that was wrong by a year
        ([training(1)], {"asked_by": "hand"}, "train", "asked by hand"),
        ([training(48, evidence_id="e1")], {}, "skip", "trained on the same evidence before"),
        ([training(48, "stopped", "e1")], {}, "block", "refused the same data before (run run-48"),
        ([training(48, "stopped", "e1")], {"asked_by": "hand"}, "block", "Mend what that run"),
        ([training(48, None, "e1")], {}, "train", "100 new"),  # it goes on
        ([training(48, "failed", "e1"), training(24, None, "e1")], {}, "block", "2 trainings on"),
        ([training(48, "failed", "e0"), training(24, None, "e0")], {}, "train", "100 new"),
        ([training(24, seconds=23 * 3600)], {}, "skip", "46.00 h and 0.00 dollars"),
        ([training(24 * 8, seconds=20 * 3600)], {}, "train", "100 new"),  # not of these days
        ([training(24, None, expected=23.5 * 3600)], {}, "skip", "24.50 h and 0.00 dollars"),
    ],
)  # fmt: skip
def test_a_rule(history: list[Training], changes: dict[str, Any], kind: str, reason: str) -> None:
    decision = ask(*history, **changes)
    assert (decision.kind, decision.evidence_id) == (kind, "e1")
    assert reason in decision.reason
    assert "\n" not in decision.reason


def test_of_what_stands_the_one_that_wants_fewest_counts_and_never_more_than_who_asks() -> None:
    least = SHIPPED.min_new_corrections.model_dump() | {"drift": 50, "quality": 20, "schedule": 30}
    to = params(min_new_corrections=least)
    both = ask(to=to, num_new=20, standing=("drift", "quality"))
    assert (both.kind, both.reason) == (
        "train",
        "20 new corrections; asked by schedule while quality stands",
    )
    assert ask(to=to, num_new=30, standing=DRIFT).reason == (
        "30 new corrections; asked by schedule"
    )


@pytest.mark.parametrize("outcome", ["finished", "stopped", "failed", None])
def test_force_trains_against_every_rule(outcome: Any) -> None:
    history = [training(1, outcome, "e1", seconds=1e6, dollars=1e6)] * 3
    decision = ask(*history, is_forced=True, num_new=0, num_held=10**6)
    assert decision == ("train", "asked for, by force", "e1")


def test_money_counts_beside_hours() -> None:
    day = training(24, seconds=3600.0, dollars=4.0)
    assert ask(day, to=PAID).kind == "train"
    both = [training(48, seconds=3600.0, dollars=4.0), day]
    decision = ask(*both, to=PAID)
    assert decision.kind == "skip"
    assert "3.00 h and 12.00 dollars would be spent within 7 days" in decision.reason


def test_the_next_is_expected_to_take_as_long_as_the_longest_of_the_newest() -> None:
    history = [
        training(100, seconds=9e4), training(90, seconds=50.0), training(80, seconds=70.0),
        training(70, "stopped", seconds=5000.0), training(60, None), training(50, seconds=60.0),
    ]  # fmt: skip
    case = Case(ENOUGH, history, RICH, NOW, planned_seconds=9e4)
    assert expected_cost(case).seconds == 70.0
    unmeasured = case._replace(history=history[3:5], params=PAID)
    assert expected_cost(unmeasured) == (9e4, 100.0), "by the planner"
    assert "with the next training 25.00 h" in decide(unmeasured._replace(history=())).reason
    assert expected_cost(unmeasured._replace(planned_seconds=None)) == (3600.0, 4.0)


def test_a_first_training_above_the_budget_is_refused_with_the_params() -> None:
    with pytest.raises(ValueError, match=r"first_hours = 2\.0 is above hours = 1\.0"):
        params(hours=1.0, first_hours=2.0)


def test_the_evidence_is_the_set_of_partitions_and_the_graph() -> None:
    one = evidence_id_of(["b", "a"], "g")
    assert one == evidence_id_of(["a", "b"], "g")
    others = [evidence_id_of(["a"], "g"), evidence_id_of(["a", "b"], "h"), evidence_id_of([], "g")]
    assert len({one, *others}) == 4
    assert len(one) == 64
