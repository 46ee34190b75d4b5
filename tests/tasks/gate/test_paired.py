"""The interval of a difference is the one that resampling rows would give."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from tasks.gate.paired import Answers, measure_gain, resample
from tests.tasks.gate.cases import LABELS, SHIPPED, guess

GOOD, OTHER = guess(0.80, seed=1), guess(0.83, seed=2)
ANSWERS = Answers(LABELS, GOOD, OTHER, 3)


def macro(labels: object, answers: object) -> float:
    return float(f1_score(labels, answers, average="macro"))


def test_scores_are_those_of_scikit_learn() -> None:
    gain = measure_gain(ANSWERS, SHIPPED.gain)
    assert gain.champion == pytest.approx(macro(LABELS, GOOD))
    assert gain.candidate == pytest.approx(macro(LABELS, OTHER))
    per_class = f1_score(LABELS, GOOD, average=None) - f1_score(LABELS, OTHER, average=None)
    np.testing.assert_allclose(gain.class_losses, per_class)


def test_the_interval_is_that_of_the_bootstrap_over_rows() -> None:
    random = np.random.default_rng(8)
    gains = []
    for _ in range(1000):
        rows = random.integers(0, len(LABELS), len(LABELS))
        gains.append(macro(LABELS[rows], OTHER[rows]) - macro(LABELS[rows], GOOD[rows]))
    params = SHIPPED.gain.model_copy(update={"level": 0.9})
    gain = measure_gain(ANSWERS, params)
    assert [gain.low, gain.high] == pytest.approx(np.quantile(gains, [0.05, 0.95]), abs=0.002)


def test_both_models_see_the_same_resampled_rows() -> None:
    same = Answers(LABELS, GOOD, GOOD, 3)
    champion, candidate = resample(same, SHIPPED.gain)
    for one, other in zip(champion, candidate, strict=True):
        np.testing.assert_array_equal(one, other)
    assert (champion.labelled.sum(axis=1) == len(LABELS)).all()
    gain = measure_gain(same, SHIPPED.gain)
    assert (gain.low, gain.high) == (0.0, 0.0)


def test_the_same_answers_always_give_the_same_interval() -> None:
    first, again = (measure_gain(ANSWERS, SHIPPED.gain) for _ in range(2))
    assert first[:4] == again[:4]


def test_resamples_in_portions_are_as_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.gate.paired._CELLS_AT_ONCE", 27 * 300)
    champion, _ = resample(ANSWERS, SHIPPED.gain)
    assert champion.hits.shape == (SHIPPED.gain.num_resamples, 3)
    assert len(np.unique(champion.hits, axis=0)) > SHIPPED.gain.num_resamples / 2
