"""How often what is live is right, once corrections have come: per window, version and part."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tasks.evaluate.intervals import bootstrap
from tasks.evaluate.params import IntervalParams
from tasks.evaluate.scores import confusion_matrix, macro_f1, margins_of
from tasks.monitor.corrections import Answers
from tasks.monitor.group import Part
from tasks.monitor.look import Look
from tasks.monitor.measures import wilson
from tasks.monitor.params import MonitorParams
from tasks.monitor.report import Quality


class Cell(NamedTuple):
    """One part of one window's answers by one version."""

    window: int
    version: str
    part: Part
    num_predictions: int


def measure_quality(
    cell: Cell, answers: Answers, classes: Sequence[str], params: MonitorParams
) -> Quality:
    """The answers are those that were corrected, of that version and part."""
    number, num_right = answers.num_rows, int(answers.is_right.sum())
    num_predictions = max(cell.num_predictions, number)
    num_not_wrong = num_predictions - number + num_right
    low, high = wilson(num_right, number, params.quality.level) if number else (None, None)
    at_most = wilson(num_not_wrong, num_predictions, params.quality.level) if number else None
    f1, f1_low, f1_high = _macro_f1(answers, classes, params)
    return Quality(
        window=cell.window,
        version=cell.version,
        part=cell.part.name,
        num_predictions=num_predictions,
        num_corrected=number,
        coverage=number / num_predictions if num_predictions else 0.0,
        accuracy=num_right / number if number else None,
        low=low,
        high=high,
        at_most=num_not_wrong / num_predictions if number else None,
        at_most_high=at_most[1] if at_most else None,
        macro_f1=f1,
        macro_f1_low=f1_low,
        macro_f1_high=f1_high,
        delay_hours=float(np.median(answers.delay_hours)) if number else None,
    )


def _macro_f1(
    answers: Answers, classes: Sequence[str], params: MonitorParams
) -> tuple[float | None, float | None, float | None]:
    """With its bootstrap interval; classes that a version before had, too, count."""
    quality = params.quality
    if answers.num_rows < quality.min_corrections:
        return None, None, None
    names = sorted({*classes, *answers.labels, *answers.predicted})
    places = {name: place for place, name in enumerate(names)}
    labels, predicted = (
        np.array([places[name] for name in column], dtype=np.int64)
        for column in (answers.labels, answers.predicted)
    )
    matrix = confusion_matrix(labels, predicted, len(names))
    interval = bootstrap(
        matrix,
        IntervalParams(
            level=quality.level, num_resamples=quality.num_resamples, seed=params.seed
        ),
    ).macro_f1  # fmt: skip
    # with few rows the point can lie outside of its resamples' quantiles
    point = float(macro_f1(margins_of(matrix)))
    return point, min(interval.low, point), max(interval.high, point)


def num_predictions_of(look: Look, version: str, part: Part) -> int:
    """Of a slice an estimate: its share of the sample, of all predictions of that version."""
    total = look.num_by(0).get(version, 0)
    if part.client is not None:
        return look.counts[version, part.client]
    if part.slice is None:
        return total
    group = look.group
    share = part.rows(group.texts, group.clients)[group.is_live]
    return round(total * float(share.mean())) if len(share) else 0
