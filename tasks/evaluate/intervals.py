"""Bootstrap intervals of what a confusion matrix says."""

from typing import NamedTuple

import numpy as np

from tasks.evaluate.examples import Ints
from tasks.evaluate.params import IntervalParams
from tasks.evaluate.scores import Margins, macro_f1, weighted_f1


class Interval(NamedTuple):
    low: float
    high: float


class Intervals(NamedTuple):
    macro_f1: Interval
    weighted_f1: Interval


def bootstrap(matrix: Ints, params: IntervalParams) -> Intervals:
    """Percentile bootstrap intervals of macro and weighted F1.

    Drawing n rows with replacement and counting them by cell is one multinomial draw of n over
    the cells' shares: the same distribution as the bootstrap over rows, at a fraction of its cost.
    """
    margins = resample(matrix, params)
    tail = (1 - params.level) / 2
    low_and_high = [tail, 1 - tail]
    return Intervals(
        Interval(*np.quantile(macro_f1(margins), low_and_high).tolist()),
        Interval(*np.quantile(weighted_f1(margins), low_and_high).tolist()),
    )


def resample(matrix: Ints, params: IntervalParams) -> Margins:
    """Margins of resampled matrices, each of shape (resamples, classes).

    Only cells that are not empty are drawn, and only their sums are kept: many classes cost little.
    """
    labels, predicted = matrix.nonzero()
    cells = matrix[labels, predicted]
    random = np.random.default_rng(params.seed)
    drawn = random.multinomial(cells.sum(), cells / cells.sum(), size=params.num_resamples)
    classes = np.arange(len(matrix))
    has_label = (labels[:, None] == classes).astype(float)
    has_prediction = (predicted[:, None] == classes).astype(float)
    return Margins(drawn @ (has_label * has_prediction), drawn @ has_label, drawn @ has_prediction)
