"""The judge passes what is better, refuses what is not, and says everything that is wrong."""

from functools import reduce
from typing import Any

import numpy as np
import pytest

from tasks.gate import absolute, relative
from tasks.gate.condition import holds
from tasks.gate.evidence import Broken, Unscored
from tasks.gate.judge import judge
from tasks.label_set import LabelSet
from tests.tasks.gate.cases import (
    CLASSES,
    LABELS,
    NOW,
    SHIPPED,
    THEN,
    as_probs,
    decide,
    failed_names,
    guess,
    make_evidence,
    make_manifest,
    make_model,
    spoil,
)

NAN = float("nan")
GOOD = guess(0.80, seed=1)
BETTER = np.where(np.arange(len(LABELS)) % 3 == 0, LABELS, GOOD)  # every third is set right
TWO_CLASSES = np.where(GOOD == 1, 0, GOOD)


def test_a_first_candidate_passes_on_its_own_merits() -> None:
    verdict = decide(make_model(GOOD), None)
    assert verdict.decision == "passed"
    assert verdict.champion is None
    names = {condition.name for condition in verdict.conditions}
    assert names.isdisjoint(relative.COMPARED)
    assert names >= {*absolute.SOUND, *absolute.MEASURED, "data_gate", "allow_dirty", "min_rows"}


@pytest.mark.parametrize(
    ("changes", "failed"),
    [
        ({"probs": as_probs(guess(0.6, 2))}, {"floors.macro_f1", "floors.weighted_f1"}),
        ({"probs": as_probs(GOOD, 1.0)}, {"calibration.max_ece"}),
        ({"pass_rates": {"typos": 0.79}}, {"behaviour.min_pass_rate"}),
        ({"pass_rates": {"typos": NAN}}, {"behaviour.min_pass_rate"}),
        ({"milliseconds": 51.0}, {"latency.max_milliseconds"}),
        ({"milliseconds": NAN}, {"latency.max_milliseconds"}),
        ({"megabytes": 201.0}, {"max_megabytes"}),
        ({"megabytes": float("-inf")}, {"max_megabytes"}),
        ({"manifest": make_manifest(NOW, True)}, {"allow_dirty"}),
        ({"manifest": make_manifest(NOW, None)}, {"allow_dirty"}),
        (
            {"probs": as_probs(TWO_CLASSES)},
            {"collapse.min_recall", "collapse.min_predicted_share",
             "floors.macro_f1", "floors.weighted_f1"},
        ),
    ],
)  # fmt: skip
def test_each_bound_refuses_by_itself_and_by_its_own_name(
    changes: dict[str, Any], failed: set[str]
) -> None:
    verdict = decide(make_model(GOOD, **changes), None)
    assert verdict.decision == "refused"
    assert failed_names(verdict) == failed


def test_every_failure_is_listed_at_once_with_value_and_bound() -> None:
    bad = make_model(TWO_CLASSES, milliseconds=99.0, megabytes=999.0, pass_rates={"typos": 0.1})
    champion = make_model(GOOD)
    verdict = decide(bad, champion)
    assert failed_names(verdict) >= {
        "floors.macro_f1", "collapse.min_recall", "behaviour.min_pass_rate", "max_megabytes",
        "latency.max_milliseconds", "gain.min_gain", "slices.max_slice_loss", "latency.max_ratio",
        "behaviour.max_drop",
    }  # fmt: skip
    (size,) = [condition for condition in verdict.failed if condition.name == "max_megabytes"]
    assert (size.value, size.bound) == (999.0, "<= 200")


def test_names_of_conditions_with_a_bound_are_keys_of_the_params() -> None:
    verdict = decide(make_model(GOOD), make_model(GOOD))
    for name in {one.name for one in verdict.conditions} - {*absolute.SOUND, "data_gate"}:
        reduce(getattr, name.split("."), SHIPPED)


def test_a_red_data_gate_refuses_a_good_candidate() -> None:
    red = holds("data_gate", False, "red", "green", "no")
    evidence = make_evidence(make_model(GOOD), None)._replace(data_gate=red)
    assert judge(evidence, SHIPPED, 15).decision == "refused"


def test_what_is_better_passes_and_what_is_equal_or_worse_does_not() -> None:
    good, better = make_model(GOOD), make_model(BETTER)
    assert decide(better, good).decision == "passed"
    assert failed_names(decide(good, good)) == {"gain.min_gain"}
    assert "gain.min_gain" in failed_names(decide(good, better))


def test_newer_data_need_only_not_be_worse_by_the_margin() -> None:
    champion = make_model(GOOD, THEN)
    same = decide(make_model(GOOD, NOW), champion)
    assert same.decision == "passed"
    assert "gain.min_gain" not in {condition.name for condition in same.conditions}
    worse = make_model(spoil(GOOD, LABELS >= 0, 0.05), NOW)
    assert "gain.non_inferiority_margin" in failed_names(decide(worse, champion))


def test_few_rows_leave_it_undecided_but_not_a_broken_bundle() -> None:
    few = LABELS[:499]
    verdict = decide(make_model(few), None, labels=few)
    assert (verdict.decision, failed_names(verdict)) == (
        "undecided",
        {"min_rows"},
    )
    broken = Broken("loads", "model.onnx is missing", None)
    assert decide(broken, None, labels=few).decision == "refused"


@pytest.mark.parametrize("condition", [*absolute.SOUND])
def test_a_broken_candidate_is_refused_and_nothing_of_it_counts_as_measured(condition: str) -> None:
    verdict = decide(
        Broken(condition, "why", None), Unscored(LabelSet(classes=CLASSES, ordered=True))
    )
    assert verdict.decision == "refused"
    failed = {one.name: one for one in verdict.failed}
    assert failed[condition].says == "why"
    expected = {*absolute.MEASURED, *relative.COMPARED, "allow_other_labels", "allow_dirty"}
    assert failed.keys() >= expected
    assert all(failed[name].value is None for name in {*absolute.MEASURED, *relative.COMPARED})


def test_a_broken_champion_is_said_aloud_and_stands_in_the_way_only_if_told_to() -> None:
    champion = Broken("loads", "model.onnx is missing", None)
    verdict = decide(make_model(GOOD), champion)
    assert verdict.decision == "passed"
    (loud,) = [one for one in verdict.conditions if one.name == "unreadable_champion"]
    assert "THE CHAMPION IS BROKEN" in loud.says
    keep = SHIPPED.model_copy(update={"unreadable_champion": "keep"})
    verdict = judge(make_evidence(make_model(GOOD), champion), keep, 15)
    assert failed_names(verdict) == {"unreadable_champion"}
    bad = decide(make_model(guess(0.5, 3)), champion)
    assert bad.decision == "refused"


def test_other_classes_are_refused_unless_allowed() -> None:
    other = Unscored(LabelSet(classes=("good", "fair", "bad"), ordered=True))
    verdict = decide(make_model(BETTER), other)
    assert failed_names(verdict) == {"allow_other_labels", *relative.COMPARED}
    allowed = SHIPPED.model_copy(update={"allow_other_labels": True})
    assert judge(make_evidence(make_model(BETTER), other), allowed, 15).decision == "passed"


@pytest.mark.parametrize(
    ("changes", "failed"),
    [
        ({"milliseconds": 4.0}, "latency.max_ratio"),
        ({"milliseconds": NAN}, "latency.max_ratio"),
        ({"pass_rates": {"typos": 0.85}}, "behaviour.max_drop"),
        ({"pass_rates": {"typos": NAN}}, "behaviour.max_drop"),
        ({"probs": as_probs(BETTER, 0.75)}, "calibration.max_ece_rise"),
    ],
)
def test_better_answers_do_not_pay_for_other_losses(changes: dict[str, Any], failed: str) -> None:
    champion = make_model(GOOD, pass_rates={"typos": 0.96})
    assert failed in failed_names(decide(make_model(BETTER, **changes), champion))


def test_a_check_without_texts_says_nothing_but_a_class_without_rows_refuses() -> None:
    silent = make_model(GOOD, pass_rates={"typos": None})
    assert decide(silent, make_model(GOOD, THEN)).decision == "passed"
    labels = np.where(LABELS == 1, 0, LABELS)
    verdict = decide(make_model(labels), None, labels=labels)
    assert failed_names(verdict) >= {"collapse.min_recall", "collapse.min_predicted_share"}
