"""Does the candidate lose on a part of the rows what it wins on the whole?

Parts are the sources, the slices that params define, the corrections of people (the hold-out), all
compared by the share of right answers, and the classes, compared by F1. (A macro F1 within a part
hangs on the two rows of its rarest class; a share of right answers does not.)

A part is refused when its loss is larger than `max_slice_loss` *and* larger than chance explains.
The first alone would refuse by luck: of 100 rows that both models answer alike but for 12, the loss
strays by 3.5 points, and among a dozen parts one is always unlucky. The second alone would refuse a
tenth of a point if only the part is large, or let a loss through whose interval reaches down to
just below the bound. What chance explains is a one-sided normal bound on the paired difference,
made strict enough for the number of parts judged (Bonferroni): with `level` 0.95, no worse model is
turned down here in 19 of 20 cases however many parts there are. So a part of 100 rows is refused
from about 9 points on, one of 1,500 rows from `max_slice_loss` on. A part of fewer than
`min_slice_rows` is listed and not judged.
"""

import math
from collections.abc import Iterator, Sequence
from statistics import NormalDist
from typing import NamedTuple

from tasks.evaluate.examples import Examples, Ints
from tasks.gate.paired import Answers, Gain
from tasks.gate.params import SliceParams
from tasks.slices import Rows, Slice, find_rows
from tasks.verdict import Condition

NAME = "slices.max_slice_loss"


class Loss(NamedTuple):
    """What the candidate loses on a part; negative: it wins."""

    where: str
    measure: str  # what it is a loss of
    num_rows: int
    points: float
    error: float  # standard error


def source_losses(test: Examples, answers: Answers) -> Iterator[Loss]:
    for name in test.source_names():
        yield share_loss(f"source {name}", answers, test.sources == name)


def defined_losses(slices: Sequence[Slice], test: Examples, answers: Answers) -> Iterator[Loss]:
    for one in slices:
        yield share_loss(f"slice {one.name}", answers, find_rows(one, test.texts))


def class_losses(classes: Sequence[str], labels: Ints, gain: Gain) -> Iterator[Loss]:
    for index, name in enumerate(classes):
        points, error = float(gain.class_losses[index]), float(gain.class_errors[index])
        yield Loss(f"class {name}", "F1", int((labels == index).sum()), points, error)


def share_loss(where: str, answers: Answers, rows: Rows) -> Loss:
    """Per row 1 where only the champion is right, -1 where only the candidate is, else 0."""
    labels = answers.labels[rows]
    right = [(guess[rows] == labels).astype(float) for guess in (answers.champion,
                                                                 answers.candidate)]  # fmt: skip
    lost = right[0] - right[1]
    if not len(lost):
        return Loss(where, "right answers", 0, math.nan, math.nan)
    error = float(lost.std() / math.sqrt(len(lost)))
    return Loss(where, "right answers", len(lost), float(lost.mean()), error)


def judge_losses(losses: Sequence[Loss], params: SliceParams) -> list[Condition]:
    """One condition per part; none when there is no part."""
    num_judged = sum(loss.num_rows >= params.min_slice_rows for loss in losses)
    chance = (1 - params.level) / max(1, num_judged)
    return [_judge(loss, NormalDist().inv_cdf(1 - chance), params) for loss in losses]


def _judge(loss: Loss, num_errors: float, params: SliceParams) -> Condition:
    by_chance = num_errors * loss.error
    judged = loss.num_rows >= params.min_slice_rows
    bound = max(params.max_slice_loss, by_chance)
    kept = loss.points <= params.max_slice_loss or loss.points <= by_chance
    return Condition(
        name=NAME,
        where=loss.where,
        value=loss.points if math.isfinite(loss.points) else None,
        bound=f"<= {bound:.3f}" if judged else f">= {params.min_slice_rows} rows to say so",
        passed=kept or not judged,
        says=f"loses {100 * loss.points:+.1f} points of {loss.measure} on {loss.num_rows:,} rows "
        f"(chance explains {100 * by_chance:.1f})" + ("" if judged else ", too few to judge"),
    )
