"""Flipped labels are found, and people who correct only what is wrong raise no alarm."""

import datetime

import numpy as np
import pytest

from tasks.monitor.corrections import Answers
from tasks.monitor.drops import find_change, judge_change, judge_earlier, judge_level, level_bound
from tasks.monitor.group import WHOLE
from tasks.monitor.quality import Cell, measure_quality
from tasks.monitor.report import Quality
from tests.tasks.monitor.scenes import CLASSES, monitor_params

PARAMS = monitor_params()
START = datetime.datetime(2026, 3, 29, tzinfo=datetime.UTC)
TEST_ACCURACY = 0.8


def make_answers(is_right: np.ndarray) -> Answers:
    number = len(is_right)
    random = np.random.default_rng(0)
    places = random.integers(len(CLASSES), size=number)
    names = np.array(CLASSES, dtype=object)
    same = np.full(number, "", dtype=object)
    return Answers(
        made_at=np.array([START + datetime.timedelta(minutes=i) for i in range(number)]),
        texts=same, clients=same, versions=same,
        predicted=names[places],
        labels=names[(places + ~is_right) % len(CLASSES)],
        delay_hours=np.ones(number),
    )  # fmt: skip


def draws(accuracy: float, number: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random(number) < accuracy


def measured(is_right: np.ndarray, num_predictions: int | None = None, window: int = 0) -> Quality:
    number = len(is_right) if num_predictions is None else num_predictions
    cell = Cell(window, "v1.0.0", WHOLE, number)
    return measure_quality(cell, make_answers(is_right), CLASSES, PARAMS)


def has_fallen(one: Quality) -> bool | None:
    return judge_level(one, level_bound(TEST_ACCURACY, PARAMS.quality), PARAMS.quality).holds


def test_accuracy_and_macro_f1_come_with_intervals_that_hold_the_truth() -> None:
    inside = 0
    for seed in range(40):
        one = measured(draws(0.8, 300, seed))
        assert one.low is not None
        assert one.high is not None
        assert one.macro_f1 is not None
        assert (one.macro_f1_low or 1) < one.macro_f1 < (one.macro_f1_high or 0)
        inside += one.low <= 0.8 <= one.high
    assert inside >= 35  # 38 of 40 at level 0.95
    assert one.accuracy == pytest.approx(one.macro_f1, abs=0.05), "all classes are alike here"


def test_as_good_as_on_the_test_split_is_no_fall_and_flipped_labels_are_one() -> None:
    assert not any(has_fallen(measured(draws(TEST_ACCURACY, 400, seed))) for seed in range(40))
    assert all(has_fallen(measured(draws(0.55, 400, seed))) for seed in range(40))


def test_people_who_correct_only_what_is_wrong_raise_no_alarm() -> None:
    all_wrong = np.zeros(150, dtype=bool)  # of 1,000 predictions: 85 % at most are right
    one = measured(all_wrong, num_predictions=1000)
    assert (one.accuracy, one.coverage, one.at_most) == (0.0, 0.15, 0.85)
    assert has_fallen(one) is False
    assert has_fallen(measured(np.zeros(400, dtype=bool), num_predictions=1000)) is True


def test_few_corrections_say_nothing_and_no_test_score_no_level() -> None:
    few = measured(draws(0.1, PARAMS.quality.min_corrections - 1))
    assert has_fallen(few) is None
    assert few.macro_f1 is None
    none = measured(draws(0.1, 0), num_predictions=500)
    assert (none.accuracy, none.at_most, none.coverage) == (None, None, 0.0)
    enough = measured(draws(0.1, 400))
    assert judge_level(enough, None, PARAMS.quality).holds is None


def test_a_fall_is_seen_beside_earlier_windows_and_goes_on_being_one() -> None:
    windows = [measured(draws(accuracy, 400, seed), window=seed)
               for seed, accuracy in enumerate((0.9, 0.9, 0.75, 0.75))]  # fmt: skip
    held = [one.holds for one in judge_earlier(windows, PARAMS.quality)]
    assert held == [None, False, True, True], "what has fallen is not what the next is measured by"
    better = [measured(draws(accuracy, 400, seed)) for seed, accuracy in enumerate((0.75, 0.9))]
    assert judge_earlier(better, PARAMS.quality)[1].holds is False


def test_a_change_of_what_people_correct_is_no_fall() -> None:
    audit = measured(draws(0.8, 400, 0), num_predictions=2000)
    only_wrong = measured(np.zeros(80, dtype=bool), num_predictions=2000)
    only_wrong_of_more = measured(np.zeros(160, dtype=bool), num_predictions=4000)
    many = measured(draws(0.8, 1200, 1), num_predictions=2000)
    fallen = measured(draws(0.6, 400, 2), num_predictions=2000)
    params = PARAMS.quality.model_copy(update={"min_corrections": 50})

    def falls(*windows: Quality) -> bool | None:
        return judge_earlier(windows, params)[-1].holds

    assert falls(audit, only_wrong) is False
    assert falls(audit, only_wrong_of_more) is False
    assert falls(audit, many) is False
    assert falls(audit, fallen) is True
    change = find_change(make_answers(np.repeat([True, False], 300)), params)
    assert judge_change(change, (600, 2000), params).holds is None
    assert judge_change(change, (600, 700), params).holds is True


def test_a_sudden_change_is_seen_with_its_moment_and_a_rise_is_none() -> None:
    fall = np.concatenate([draws(0.9, 600, 1), draws(0.6, 400, 2)])
    change = find_change(make_answers(fall), PARAMS.quality)
    assert change is not None
    minutes = (change.at - START).total_seconds() / 60
    assert minutes == pytest.approx(600, abs=80)
    assert change.before == pytest.approx(0.9, abs=0.06)
    assert change.after == pytest.approx(0.6, abs=0.08)
    assert judge_change(change, (len(fall), 1100), PARAMS.quality).holds

    rise = find_change(make_answers(fall[::-1]), PARAMS.quality)
    assert rise is not None
    assert judge_change(rise, (len(fall), 1100), PARAMS.quality).holds is False


def test_without_a_change_none_is_seen_and_the_order_of_time_decides() -> None:
    seen = [find_change(make_answers(draws(0.8, 1000, seed)), PARAMS.quality) for seed in range(30)]
    assert sum(change is not None for change in seen) <= 1
    fall = np.concatenate([draws(0.9, 600, 1), draws(0.6, 400, 2)])
    mixed = np.random.default_rng(0).permutation(fall)
    assert find_change(make_answers(mixed), PARAMS.quality) is None
    assert judge_change(None, (1000, 1000), PARAMS.quality).holds is False
    assert judge_change(None, (5, 5), PARAMS.quality).holds is None
