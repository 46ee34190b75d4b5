"""What is known of a model on the test split, in one value that every report is made from."""

from typing import NamedTuple

import numpy as np

from tasks.evaluate.behaviour import Outcome
from tasks.evaluate.calibration import Reliability, expected_calibration_error, measure_reliability
from tasks.evaluate.examples import Examples, Floats, Ints
from tasks.evaluate.intervals import Intervals, bootstrap
from tasks.evaluate.params import EvaluateParams, IntervalParams
from tasks.evaluate.scores import (
    accuracy,
    confusion_matrix,
    divide,
    f1_per_class,
    macro_f1,
    margins_of,
    vote_correlation,
    weighted_f1,
)
from tasks.label_set import LabelSet


class Scores(NamedTuple):
    """How well one set of predictions meets the labels of some examples."""

    num_examples: int
    accuracy: float
    macro_f1: float
    weighted_f1: float
    intervals: Intervals
    correlation: float | None  # with the mean vote; None: no meaning here


class ClassScores(NamedTuple):
    precision: float  # 0 when never predicted
    recall: float  # 0 when the split has no such label
    f1: float
    num_examples: int


class Summary(NamedTuple):
    label_set: LabelSet
    test: Examples
    probs: Floats  # (test examples, classes)
    matrix: Ints  # (classes, classes), labels by predictions
    overall: Scores
    classes: dict[str, ClassScores]
    sources: dict[str, Scores]
    curve: Reliability
    calibration_error: float
    baselines: dict[str, Scores]
    baseline_sources: dict[str, dict[str, Scores]]
    outcomes: list[Outcome]
    num_label_issues: int

    @property
    def predicted(self) -> Ints:
        predicted: Ints = self.probs.argmax(axis=1)
        return predicted


def summarise(
    label_set: LabelSet,
    test: Examples,
    probs: Floats,
    baselines: dict[str, Ints],
    params: EvaluateParams,
) -> Summary:
    """Everything but the checks and label issues, which the caller puts in with `_replace`."""
    predicted = probs.argmax(axis=1)
    rows = {name: np.flatnonzero(test.sources == name) for name in test.source_names()}

    def score(predicted: Ints, some: Ints) -> Scores:
        cells = confusion_matrix(test.labels[some], predicted[some], len(label_set.classes))
        return score_matrix(cells, params.intervals)

    def score_model(some: Ints) -> Scores:
        r = vote_correlation(probs[some], test.mean_votes[some]) if label_set.ordered else None
        return score(predicted, some)._replace(correlation=r)

    everything = np.arange(len(test.labels))
    matrix = confusion_matrix(test.labels, predicted, len(label_set.classes))
    curve = measure_reliability(probs, test.labels, params.calibration_bins)
    return Summary(
        label_set=label_set,
        test=test,
        probs=probs,
        matrix=matrix,
        overall=score_model(everything),
        classes=score_classes(matrix, label_set),
        sources={name: score_model(some) for name, some in rows.items()},
        curve=curve,
        calibration_error=expected_calibration_error(curve),
        baselines={name: score(guess, everything) for name, guess in baselines.items()},
        baseline_sources={
            name: {source: score(guess, some) for source, some in rows.items()}
            for name, guess in baselines.items()
        },
        outcomes=[],
        num_label_issues=0,
    )


def score_matrix(matrix: Ints, params: IntervalParams) -> Scores:
    margins = margins_of(matrix)
    return Scores(
        int(matrix.sum()),
        float(accuracy(margins)),
        float(macro_f1(margins)),
        float(weighted_f1(margins)),
        bootstrap(matrix, params),
        None,
    )


def score_classes(matrix: Ints, label_set: LabelSet) -> dict[str, ClassScores]:
    margins = margins_of(matrix)
    columns = (
        divide(margins.hits, margins.predicted, otherwise=0.0),
        divide(margins.hits, margins.labelled, otherwise=0.0),
        np.nan_to_num(f1_per_class(margins)),
        margins.labelled,
    )
    return {
        name: ClassScores(float(precision), float(recall), float(f1), int(number))
        for name, precision, recall, f1, number in zip(label_set.classes, *columns, strict=True)
    }
