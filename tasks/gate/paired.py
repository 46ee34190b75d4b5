"""The paired bootstrap: how sure is a difference between two models that answered the same rows?"""

from typing import NamedTuple

import numpy as np

from tasks.evaluate.examples import Floats, Ints
from tasks.evaluate.scores import Margins, confusion_matrix, f1_per_class, macro_f1, margins_of
from tasks.gate.params import GainParams

_CELLS_AT_ONCE = 20_000_000  # cells x resamples, three arrays of 8 bytes each


class Answers(NamedTuple):
    """Class indices of the same rows."""

    labels: Ints
    champion: Ints
    candidate: Ints
    num_classes: int


class Gain(NamedTuple):
    """Macro F1 of both, and the interval of the candidate's less the champion's."""

    champion: float
    candidate: float
    low: float
    high: float
    class_losses: Floats  # F1 per class, the champion's less the candidate's
    class_errors: Floats  # their standard errors


def measure_gain(answers: Answers, params: GainParams) -> Gain:
    """Percentile interval at `params.level`; the same answers always give the same one."""
    champion, candidate = resample(answers, params)
    tail = (1 - params.level) / 2
    low, high = np.quantile(macro_f1(candidate) - macro_f1(champion), [tail, 1 - tail])
    class_errors = np.std(f1_per_class(champion) - f1_per_class(candidate), axis=0, ddof=1)
    then, now = (
        margins_of(confusion_matrix(answers.labels, guess, answers.num_classes))
        for guess in (answers.champion, answers.candidate)
    )
    return Gain(
        champion=float(macro_f1(then)),
        candidate=float(macro_f1(now)),
        low=float(low),
        high=float(high),
        class_losses=f1_per_class(then) - f1_per_class(now),
        class_errors=class_errors,
    )


def resample(answers: Answers, params: GainParams) -> tuple[Margins, Margins]:
    """Margins of champion and candidate on the same resampled rows, shape (resamples, classes).

    Drawing n rows with replacement and counting them by (label, champion's answer, candidate's
    answer) is one multinomial draw of n over the shares of those cells.
    """
    cells, counts = np.unique(np.stack(answers[:3]), axis=1, return_counts=True)
    num_rows = counts.sum()
    random = np.random.default_rng(params.seed)
    classes = np.arange(answers.num_classes)
    is_label, is_champion, is_candidate = (
        (column[:, None] == classes).astype(float) for column in cells
    )
    columns = np.hstack(
        [is_label, is_champion, is_candidate, is_label * is_champion, is_label * is_candidate]
    )
    step = max(1, _CELLS_AT_ONCE // len(counts))
    sizes = [min(step, params.num_resamples - at) for at in range(0, params.num_resamples, step)]
    sums = [random.multinomial(num_rows, counts / num_rows, size=size) @ columns for size in sizes]
    labelled, champion, candidate, champion_hits, candidate_hits = np.split(
        np.concatenate(sums), 5, axis=1
    )
    return Margins(champion_hits, labelled, champion), Margins(candidate_hits, labelled, candidate)
