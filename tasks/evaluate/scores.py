"""Scores of predictions: from the confusion matrix, and from expected scores of ordered classes."""

from typing import NamedTuple

import numpy as np

from tasks.evaluate.examples import Floats, Ints


class Margins(NamedTuple):
    """What F1 needs of a confusion matrix; shape (..., classes), so resamples fit as well."""

    hits: Floats  # the diagonal
    labelled: Floats  # rows' sums: examples that have the class
    predicted: Floats  # columns' sums


def confusion_matrix(labels: Ints, predicted: Ints, num_classes: int) -> Ints:
    """Examples by label (row) and prediction (column), shape (classes, classes)."""
    cells = np.bincount(labels * num_classes + predicted, minlength=num_classes**2)
    return cells.reshape(num_classes, num_classes)


def margins_of(matrix: Ints) -> Margins:
    return Margins(
        matrix.diagonal().astype(float),
        matrix.sum(axis=1).astype(float),
        matrix.sum(axis=0).astype(float),
    )


def divide(numerator: Floats, denominator: Floats, otherwise: float) -> Floats:
    out = np.full(np.broadcast_shapes(numerator.shape, denominator.shape), otherwise)
    quotient: Floats = np.divide(numerator, denominator, out=out, where=denominator > 0)
    return quotient


def f1_per_class(margins: Margins) -> Floats:
    """F1 = 2 hits / (labelled + predicted); NaN for a class that is neither."""
    return divide(2 * margins.hits, margins.labelled + margins.predicted, otherwise=np.nan)


def macro_f1(margins: Margins) -> Floats:
    """Mean F1 over the classes that occur among labels or predictions, as scikit-learn has it."""
    occurring = margins.labelled + margins.predicted > 0
    mean: Floats = np.nansum(f1_per_class(margins), axis=-1) / occurring.sum(axis=-1)
    return mean


def weighted_f1(margins: Margins) -> Floats:
    """Mean F1 weighted by the number of examples that have the class."""
    total = margins.labelled.sum(axis=-1)
    mean: Floats = np.nansum(f1_per_class(margins) * margins.labelled, axis=-1) / total
    return mean


def accuracy(margins: Margins) -> Floats:
    share: Floats = margins.hits.sum(axis=-1) / margins.labelled.sum(axis=-1)
    return share


def expected_scores(probs: Floats) -> Floats:
    """Mean class index under the probabilities, 0 to classes - 1; only for ordered classes."""
    scores: Floats = probs @ np.arange(probs.shape[1])
    return scores


def vote_correlation(probs: Floats, mean_votes: Floats) -> float | None:
    """Pearson's r between expected score and mean vote.

    None where it has no meaning: fewer than three examples with votes on a scale, or no variance.
    """
    known = ~np.isnan(mean_votes)
    scores, votes = expected_scores(probs[known]), mean_votes[known]
    enough = 3
    if len(votes) < enough or np.ptp(scores) == 0 or np.ptp(votes) == 0:
        return None
    return float(np.corrcoef(scores, votes)[0, 1])
