"""Scores meet scikit-learn's, intervals the bootstrap over rows, calibration the hand."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from tasks.evaluate.calibration import expected_calibration_error, measure_reliability
from tasks.evaluate.intervals import bootstrap, resample
from tasks.evaluate.params import IntervalParams
from tasks.evaluate.scores import (
    accuracy,
    confusion_matrix,
    f1_per_class,
    macro_f1,
    margins_of,
    vote_correlation,
    weighted_f1,
)

PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(PAIRS)
def test_scores_are_those_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    labels, predicted = np.array(pairs).T
    matrix = confusion_matrix(labels, predicted, 4)
    margins = margins_of(matrix)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn tells of classes never predicted
        assert (matrix == metrics.confusion_matrix(labels, predicted, labels=range(4))).all()
        expected = metrics.f1_score(labels, predicted, average=None, labels=range(4))
        np.testing.assert_allclose(np.nan_to_num(f1_per_class(margins)), expected)
        for ours, average in ((macro_f1, "macro"), (weighted_f1, "weighted")):
            theirs = metrics.f1_score(labels, predicted, average=average)
            np.testing.assert_allclose(ours(margins), theirs)
        np.testing.assert_allclose(accuracy(margins), metrics.accuracy_score(labels, predicted))


def test_a_perfect_predictor_scores_one_and_is_certain() -> None:
    labels = np.array([0, 1, 2, 2])
    matrix = confusion_matrix(labels, labels, 3)
    assert macro_f1(margins_of(matrix)) == weighted_f1(margins_of(matrix)) == 1
    found = bootstrap(matrix, IntervalParams(level=0.95, num_resamples=100, seed=0))
    assert found.macro_f1 == found.weighted_f1 == (1, 1)


def test_a_constant_predictor_has_the_f1_of_its_one_class() -> None:
    matrix = confusion_matrix(np.array([0, 0, 1, 2]), np.zeros(4, np.int64), 3)
    assert macro_f1(margins_of(matrix)) == pytest.approx((2 * 2 / 6) / 3)


def test_resampled_matrices_keep_the_number_of_rows() -> None:
    matrix = np.array([[5, 2, 0], [1, 7, 0], [0, 3, 4]])
    margins = resample(matrix, IntervalParams(level=0.9, num_resamples=50, seed=1))
    assert margins.hits.shape == (50, 3)
    assert (margins.labelled.sum(axis=1) == 22).all()
    assert (margins.predicted.sum(axis=1) == 22).all()
    assert (margins.hits <= margins.labelled).all()


def test_the_interval_over_cells_is_that_of_the_bootstrap_over_rows() -> None:
    random = np.random.default_rng(0)
    labels = random.choice(3, 300, p=[0.5, 0.2, 0.3])
    predicted = np.where(random.random(300) < 0.7, labels, random.integers(0, 3, 300))
    params = IntervalParams(level=0.95, num_resamples=4000, seed=0)
    found = bootstrap(confusion_matrix(labels, predicted, 3), params)
    by_rows = []
    for _ in range(2000):
        rows = random.integers(0, 300, 300)
        margins = margins_of(confusion_matrix(labels[rows], predicted[rows], 3))
        by_rows.append((macro_f1(margins), weighted_f1(margins)))
    low, high = np.quantile(by_rows, [0.025, 0.975], axis=0)
    np.testing.assert_allclose([found.macro_f1.low, found.weighted_f1.low], low, atol=0.006)
    np.testing.assert_allclose([found.macro_f1.high, found.weighted_f1.high], high, atol=0.006)


def test_calibration_error_by_hand() -> None:
    probs = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.4, 0.6]])
    curve = measure_reliability(probs, np.array([0, 1, 1, 1]), num_bins=10)
    np.testing.assert_allclose(curve.confidence, [0.6, 0.9])
    np.testing.assert_allclose(curve.accuracy, [1.0, 0.5])
    assert curve.num_examples.tolist() == [2, 2]
    assert expected_calibration_error(curve) == pytest.approx((0.4 + 0.4) / 2)


def test_full_confidence_lies_in_the_last_bin_and_is_perfect_when_right() -> None:
    curve = measure_reliability(np.eye(3), np.arange(3), num_bins=5)
    assert curve.num_examples.tolist() == [3]
    assert expected_calibration_error(curve) == 0


def test_correlation_is_pearsons_over_the_rows_that_have_votes() -> None:
    probs = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.2, 0.2, 0.6]])
    votes = np.array([-2.0, 0.5, np.nan, 3.0])
    expected = np.corrcoef([0, 1, 1.4], [-2, 0.5, 3])[0, 1]
    assert vote_correlation(probs, votes) == pytest.approx(expected)


@pytest.mark.parametrize("votes", [[np.nan] * 4, [1.0, 1.0, 1.0, 1.0], [1.0, 2.0, np.nan, np.nan]])
def test_correlation_without_meaning_is_none(votes: list[float]) -> None:
    assert vote_correlation(np.eye(4), np.array(votes)) is None
