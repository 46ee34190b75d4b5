"""A model's answers are taken once, are numbers, and are timed fairly; or the model is broken."""

import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from tasks.bundle import load_bundle, verify_bundle
from tasks.gate.evidence import Broken, Measured, Rows
from tasks.gate.measure import (
    Contestant,
    Scorer,
    UnreadableAnswer,
    load,
    measure,
    pick_timed,
    time_side_by_side,
)
from tasks.predictor import Predictor
from tasks.tokens import Ids
from tests.tasks.evaluate.splits import SHIPPED, make_examples

TEXTS = ["it was good", "it was not good", "the film", "it was good"]
TYPOS = next(check for check in SHIPPED.checks if check.name == "typos")


@pytest.fixture
def contestant(packaged: Path) -> Contestant:
    found = load(packaged / "package/bundle")
    assert isinstance(found, Contestant)
    return found


def strange_after(contestant: Contestant, num_calls: int) -> Contestant:
    """The same model, whose answers are no numbers from some call on."""
    calls = iter(range(10**6))

    def score(ids: Ids, mask: Ids) -> npt.NDArray[np.float32]:
        logits = contestant.predictor.score(ids, mask)
        return logits if next(calls) < num_calls else logits * np.float32(np.nan)

    return contestant._replace(predictor=contestant.predictor._replace(score=score))


def make_rows() -> Rows:
    return Rows(make_examples([0, 1, 2, 0], texts=TEXTS), "t", make_examples([1], texts=["was"]))


def test_answers_are_those_of_the_served_model_whatever_the_number_of_threads(
    contestant: Contestant, packaged: Path
) -> None:
    one, four = (measure(contestant, make_rows(), [TYPOS], num) for num in (1, 4))
    assert isinstance(one, Measured)
    assert isinstance(four, Measured)
    expected = load_bundle(packaged / "package/bundle").probs(TEXTS)
    np.testing.assert_allclose(one.probs, expected, atol=1e-6)
    np.testing.assert_array_equal(one.probs, four.probs)
    assert one.holdout_probs is not None
    assert one.holdout_probs.shape == (1, 4)
    assert set(one.pass_rates) == {"typos"}
    size = verify_bundle(packaged / "package/bundle").files["model.int8.onnx"].size_bytes
    assert one.megabytes == size / 1e6


def test_each_text_is_scored_once(contestant: Contestant) -> None:
    scored: list[int] = []

    def score(ids: Ids, mask: Ids) -> npt.NDArray[np.float32]:
        scored.append(len(ids))
        return contestant.predictor.score(ids, mask)

    scorer = Scorer(contestant.predictor._replace(score=score), 1)
    first = scorer(TEXTS)
    np.testing.assert_array_equal(first[0], first[3])
    np.testing.assert_array_equal(scorer(TEXTS[::-1]), first[::-1])
    assert sum(scored) == 3
    assert scorer([]).shape == (0, 4)


@pytest.mark.parametrize("num_calls", [0, 1, 2])
def test_one_answer_that_is_no_number_breaks_the_model(
    contestant: Contestant, num_calls: int
) -> None:
    """On the test rows, on the hold-out, or on a behavioural check alone."""
    found = measure(strange_after(contestant, num_calls), make_rows(), [TYPOS], 1)
    assert isinstance(found, Broken)
    assert found.condition == "answers"
    assert "are not numbers, first to" in found.reason
    with pytest.raises(UnreadableAnswer):
        Scorer(strange_after(contestant, 0).predictor, 1)(TEXTS)


def test_models_take_turns_and_the_slower_one_is_found_out(contestant: Contestant) -> None:
    order: list[str] = []

    def slowed(name: str, seconds: float) -> Predictor:
        def score(ids: Ids, mask: Ids) -> npt.NDArray[np.float32]:
            order.append(name)
            time.sleep(seconds)
            return contestant.predictor.score(ids, mask)

        return contestant.predictor._replace(score=score)

    predictors = [slowed("slow", 0.02), slowed("fast", 0.0)]
    slow, fast = time_side_by_side(predictors, TEXTS)
    assert slow >= 20.0
    assert slow > fast + 10.0
    assert order[2:6] == ["slow", "fast", "fast", "slow"]  # after a warm-up each


def test_timed_texts_are_those_with_the_lowest_ids() -> None:
    assert pick_timed(make_rows().test, 2) == TEXTS[:2]
    assert pick_timed(make_rows().test, 60) == TEXTS
