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
    num_right: int = 0
    number: int = 0


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

    Who corrects what is assumed to stay the same from window to window.
    """
    before, held = _Tally(), []
    for one in windows:
        now = _Tally(round((one.accuracy or 0.0) * one.num_corrected), one.num_corrected)
        found = _judge_fall(before, now, params)
        held.append(found)
        if not found.holds:
            before = _Tally(before.num_right + now.num_right, before.number + now.number)
    return held


def _judge_fall(before: _Tally, now: _Tally, params: QualityParams) -> Held:
    if min(before.number, now.number) < params.min_corrections:
        return _unknown(now.number)
    fall = before.num_right / before.number - now.num_right / now.number
    p = chance_of_drop(before, now)
    return _held(now.number, fall, p, fall >= params.max_quality_loss and p <= 1 - params.level)


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


def judge_change(change: Change | None, number: int, params: QualityParams) -> Held:
    if number < params.min_corrections:
        return _unknown(number)
    fall = change.before - change.after if change else 0.0
    return _held(number, fall, None, fall >= params.max_quality_loss)


def _held(number: int, value: float, p: float | None, holds: bool) -> Held:
    return Held(num_rows=number, value=value, p=p, divergence=None, holds=holds)


def _unknown(number: int) -> Held:
    return Held(num_rows=number, value=None, p=None, divergence=None, holds=None)
