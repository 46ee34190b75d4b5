"""Has what is live become worse? Than on its test split, than before, or all of a sudden."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from river.drift import ADWIN

from tasks.monitor.corrections import Answers
from tasks.monitor.measures import chance_of_drop
from tasks.monitor.params import QualityParams
from tasks.monitor.report import QUALITY, Change, Held, Quality
from tasks.slices import Rows

LEVEL, EARLIER, SUDDEN = f"{QUALITY}.level", f"{QUALITY}.earlier", f"{QUALITY}.sudden"
MEASURES = {
    LEVEL: "upper end of accuracy",
    EARLIER: "fall of accuracy since earlier windows",
    SUDDEN: "fall of accuracy at a moment",
}


class _Tally(NamedTuple):
    """Of the corrected, how many were right; of all, how many were not said to be wrong."""

    num_right: int = 0
    num_corrected: int = 0
    num_not_wrong: int = 0
    num_predictions: int = 0

    def plus(self, other: "_Tally") -> "_Tally":
        return _Tally._make(mine + theirs for mine, theirs in zip(self, other, strict=True))


def level_bound(test_accuracy: float | None, params: QualityParams) -> float | None:
    return None if test_accuracy is None else max(0.0, test_accuracy - params.max_quality_loss)


def judge_level(one: Quality, bound: float | None, params: QualityParams) -> Held:
    """Below the test split's even by the upper end of the interval.

    Where few predictions are corrected, people have looked for mistakes: then all others count as
    right, and only a fall that is certain even so is one.
    """
    whole = one.coverage >= params.min_coverage
    value = one.high if whole else one.at_most_high
    if bound is None or value is None or one.num_corrected < params.min_corrections:
        return _unknown(one.num_corrected)
    return _held(one.num_corrected, value, None, value < bound)


def judge_earlier(windows: Sequence[Quality], params: QualityParams) -> list[Held]:
    """Each window beside all earlier ones that had not fallen themselves; oldest first.

    Of the corrected fewer must be right, and of all more must be wrong. When people only begin to
    correct more, the second alone is so, and when they correct only mistakes, the first alone.
    """
    before, held = _Tally(), []
    for one in windows:
        num_wrong = round((1 - (one.accuracy or 0.0)) * one.num_corrected)
        now = _Tally(
            one.num_corrected - num_wrong, one.num_corrected,
            one.num_predictions - num_wrong, one.num_predictions,
        )  # fmt: skip
        found = _judge_fall(before, now, params)
        held.append(found)
        if not found.holds:
            before = before.plus(now)
    return held


def _judge_fall(before: _Tally, now: _Tally, params: QualityParams) -> Held:
    if min(before.num_corrected, now.num_corrected) < params.min_corrections:
        return _unknown(now.num_corrected)
    fall = before.num_right / before.num_corrected - now.num_right / now.num_corrected
    of_corrected, of_all = (chance_of_drop(before[i : i + 2], now[i : i + 2]) for i in (0, 2))
    p = max(of_corrected, of_all)
    holds = fall >= params.max_quality_loss and p <= 1 - params.level
    return _held(now.num_corrected, fall, p, holds)


def find_change(answers: Answers, params: QualityParams) -> Change | None:
    """The last one in the order in which the predictions were made (Bifet and Gavalda 2007).

    River's ADWIN says that there was one, a while after; its moment is where the answers until then
    part best. What came since is compared with as many answers before it.
    """
    detector, starts = ADWIN(delta=params.adwin_delta), [0]
    for number, is_right in enumerate(answers.is_right, start=1):
        detector.update(int(is_right))
        if detector.drift_detected:
            starts.append(starts[-1] + _find_parting(answers.is_right[starts[-1] : number]))
    *_, last = starts
    if not last:
        return None
    after = answers.is_right[last:]
    before = answers.is_right[max(0, last - max(len(after), params.min_corrections)) : last]
    return Change(at=answers.made_at[last], before=before.mean(), after=after.mean())


def _find_parting(is_right: Rows) -> int:
    """How many come before the moment from which on the mean differs most, for the numbers."""
    number, total = len(is_right), is_right.sum()
    first, num_right = np.arange(1, number), is_right.cumsum()[:-1]
    gap = np.abs(num_right / first - (total - num_right) / (number - first))
    return 1 + int(np.argmax(gap * np.sqrt(first * (number - first))))


def judge_change(change: Change | None, seen: tuple[int, int], params: QualityParams) -> Held:
    """Where few are corrected, a change of what people correct would look the same.

    Args:
        change: as found.
        seen: how many predictions were corrected, and how many there were.
    """
    num_corrected, num_predictions = seen
    if num_corrected < max(params.min_corrections, params.min_coverage * num_predictions):
        return _unknown(num_corrected)
    fall = change.before - change.after if change else 0.0
    return _held(num_corrected, fall, None, fall >= params.max_quality_loss)


def _held(number: int, value: float, p: float | None, holds: bool) -> Held:
    return Held(num_rows=number, value=value, p=p, divergence=None, holds=holds)


def _unknown(number: int) -> Held:
    return Held(num_rows=number, value=None, p=None, divergence=None, holds=None)
