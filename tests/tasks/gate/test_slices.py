"""A part that loses is found where there are rows enough to say so, and not blamed for chance."""

import numpy as np
import pytest

from tasks.errors import ParamsError
from tasks.gate.evidence import Rows
from tasks.gate.judge import judge
from tasks.gate.paired import Answers
from tasks.gate.params import GateParams
from tasks.gate.slices import Loss, judge_losses, share_loss
from tasks.params import parse_section
from tasks.slices import LengthSlice, PatternSlice, find_rows
from tasks.verdict import Verdict
from tests.tasks.evaluate.splits import make_examples
from tests.tasks.gate.cases import (
    LABELS,
    SHIPPED,
    as_probs,
    decide,
    guess,
    make_evidence,
    make_model,
    spoil,
)

GOOD = guess(0.80, seed=1)
NUM_ROWS = len(LABELS)


def failed_parts(verdict: Verdict) -> list[str]:
    return [one.where for one in verdict.failed if one.name == "slices.max_slice_loss"]


@pytest.mark.parametrize(("size", "found"), [(300, True), (99, False)])
def test_a_gain_on_the_whole_does_not_pay_for_a_source(size: int, found: bool) -> None:
    in_source = np.arange(NUM_ROWS) < size
    better = np.where(np.arange(NUM_ROWS) % 3 == 0, LABELS, GOOD)
    candidate = spoil(better, in_source, 0.35)
    sources = ["small" if inside else "large" for inside in in_source]
    verdict = decide(make_model(candidate), make_model(GOOD), sources)
    assert "gain.min_gain" not in {one.name for one in verdict.failed}
    assert failed_parts(verdict) == (["source small"] if found else [])
    (small,) = [one for one in verdict.conditions if one.where == "source small"]
    assert ("too few to judge" in small.says) is not found
    assert verdict.decision == ("refused" if found else "passed")


def test_a_class_that_loses_is_found_by_its_f1() -> None:
    candidate = spoil(GOOD, LABELS == 1, 0.15)
    verdict = decide(make_model(candidate), make_model(GOOD))
    assert "class fair" in failed_parts(verdict)


def test_corrections_of_people_are_a_part_like_any_other() -> None:
    labels = np.arange(200) % 3
    right, wrong = as_probs(labels, 0.8), as_probs(spoil(labels, labels >= 0, 0.3), 0.8)
    for then, now, found in ((right, wrong, ["feedback"]), (wrong, right, [])):
        better = make_model(np.where(np.arange(NUM_ROWS) % 3 == 0, LABELS, GOOD))
        evidence = make_evidence(
            better._replace(holdout_probs=now), make_model(GOOD, holdout_probs=then)
        )
        assert evidence.rows is not None
        rows = Rows(evidence.rows.test, "t", make_examples(labels.tolist()))
        assert failed_parts(judge(evidence._replace(rows=rows), SHIPPED, 15)) == found


def test_models_that_are_equally_good_are_rarely_refused_for_a_part() -> None:
    """Twelve parts of 150 rows, 12 % disagreement: a plain bound would refuse nearly always."""
    random = np.random.default_rng(3)
    num_refused = num_plain = 0
    for _ in range(400):
        losses = []
        for part in range(12):
            rows = random.choice([-1.0, 0.0, 1.0], 150, p=[0.06, 0.88, 0.06])
            error = float(rows.std() / np.sqrt(150))
            losses.append(Loss(str(part), "right answers", 150, float(rows.mean()), error))
        num_refused += not all(one.passed for one in judge_losses(losses, SHIPPED.slices))
        num_plain += any(loss.points > SHIPPED.slices.max_slice_loss for loss in losses)
    assert num_refused / 400 < 0.08  # 1 - level, and what the normal bound is off
    assert num_plain / 400 > 0.75


def test_a_loss_that_is_sure_but_small_and_one_that_is_no_number() -> None:
    losses = [
        Loss("small", "F1", 50_000, 0.029, 0.001),
        Loss("large", "F1", 50_000, 0.031, 0.001),
        Loss("strange", "F1", 50_000, float("nan"), 0.001),
        Loss("unsure", "F1", 50_000, 0.031, float("nan")),
        Loss("lost wholly", "F1", 100, 1.0, 0.0),
    ]
    judged = {one.where: one.passed for one in judge_losses(losses, SHIPPED.slices)}
    assert judged == {
        "small": True, "large": False, "strange": False, "unsure": False, "lost wholly": False,
    }  # fmt: skip


def test_a_paired_loss_is_the_mean_of_its_rows() -> None:
    labels = np.array([0, 1, 2, 0])
    answers = Answers(labels, labels, np.array([0, 1, 0, 1]), 3)
    loss = share_loss("all", answers, np.array([True, True, True, False]))
    assert (loss.num_rows, loss.points) == (3, pytest.approx(1 / 3))
    assert loss.error == pytest.approx(np.std([0, 0, 1]) / np.sqrt(3))
    assert np.isnan(share_loss("none", answers, labels > 5).points)


def test_slices_are_found_by_pattern_and_by_length() -> None:
    texts = ["not bad", "nothing", "It's NOT", "n" * 40, "n" * 41]
    negation, *_, short, long = SHIPPED.slices.defined
    assert isinstance(negation, PatternSlice)
    assert isinstance(short, LengthSlice)
    assert find_rows(negation, texts).tolist() == [True, True, True, False, False]
    assert find_rows(short, texts).tolist() == [True, True, True, True, False]
    assert find_rows(long, ["n" * 200]).all()


@pytest.mark.parametrize(
    ("slices", "problem"),
    [
        ([{"name": "a", "kind": "pattern", "pattern": "("}], "no regular expression"),
        ([{"name": "a", "kind": "length", "min_characters": 9, "max_characters": 3}], "is below"),
        ([{"name": "a", "kind": "pattern", "pattern": "x"}] * 2, "names of their own"),
        ([{"name": "a", "kind": "colour"}], "kind"),
    ],
)
def test_a_slice_that_makes_no_sense_is_an_error_in_one_line(
    slices: list[dict[str, object]], problem: str
) -> None:
    tree = SHIPPED.model_dump()
    tree["slices"]["defined"] = slices
    with pytest.raises(ParamsError, match=problem) as caught:
        parse_section("gate", tree, GateParams)
    assert "\n" not in str(caught.value)
