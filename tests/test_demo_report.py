"""The judge of the proof can say no, and the report says what was measured."""

from collections import Counter
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from benchmarks.demo.people import deal
from benchmarks.demo.proof import Compared, Kept, Traced
from benchmarks.demo.report import Result, find_problems, write_report
from benchmarks.demo.scenario import Scenario
from benchmarks.demo.turns import Turn
from tasks.gate.paired import Gain

NOTHING = np.zeros(2)


def compared(name: str, before: float, after: float, width: float = 0.01) -> Compared:
    gain = after - before
    return Compared(name, 500, Gain(before, after, gain - width, gain + width, NOTHING, NOTHING))


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    return Scenario(tmp_path, tmp_path, "fresh", 10, 1, 2, {}, {}, 0.05, 0.01)


def result(ours: Compared, other: Compared) -> Result:
    turns = [Turn("v1.0.0", [], "by hand", 60, 50), Turn("v1.1.0", [], "an event", 90, 72)]
    traced = [Traced(7, 7, 3, {"train": 5, "holdout": 2})]
    return Result(turns, [ours], [other], traced, Kept(7, 7, 0, 0), 2.0)


GOOD = result(compared("v1.1.0", 0.5, 0.6), compared("old", 0.7, 0.695))


def test_a_gain_that_is_clear_of_zero_and_costs_nothing_elsewhere_is_no_problem(scenario):
    assert find_problems(GOOD, scenario) == []


@pytest.mark.parametrize(
    ("ours", "other", "said"),
    [
        (compared("v1.1.0", 0.5, 0.54), compared("old", 0.7, 0.7), "gained 4.0 points"),
        (compared("v1.1.0", 0.5, 0.6, width=0.11), compared("old", 0.7, 0.7), "(-1.0 to 21.0)"),
        (compared("v1.1.0", 0.5, 0.6), compared("old", 0.7, 0.68), "old: lost 2.0 points"),
    ],
)
def test_what_falls_short_is_named(scenario, ours, other, said):
    (problem,) = find_problems(result(ours, other), scenario)
    assert said in problem


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kept": Kept(7, 6, 1, 0)}, "1 acknowledged corrections are in no partition and 0 twice"),
        ({"kept": Kept(7, 9, 0, 2)}, "in no partition and 2 twice"),
        ({"traced": [Traced(7, 6, 3, {"train": 6})]}, "turn 2: 6 of 7 corrections in its data"),
    ],
)
def test_a_correction_that_was_lost_on_the_way_is_a_problem(scenario, change, said):
    (problem,) = find_problems(GOOD._replace(**change), scenario)
    assert said in problem


def test_any_two_people_meet_on_few_texts_and_each_judges_about_as_many(scenario):
    asked = scenario._replace(num_people=200, votes_per_text=5)
    dealt = [deal(f"text {n}", 5, asked) for n in range(4000)]
    assert dealt == [deal(f"text {n}", 5, asked) for n in range(4000)]
    assert all(len(set(people)) == 5 for people in dealt)
    met = Counter(pair for people in dealt for pair in combinations(sorted(people), 2))
    assert len(met) > 0.8 * 200 * 199 / 2  # hand in hand, 400 pairs would have met 4,000 times
    judged = Counter(person for people in dealt for person in people)
    assert 50 < min(judged.values()) < max(judged.values()) < 150


def test_the_report_has_each_turn_and_each_other_source(scenario):
    text = write_report(GOOD, scenario)
    assert "| 1 | v1.0.0 | by hand | 0 | 0.500 of 500 |  | 60 s | 50 s | $0.03 |" in text
    assert "0.600 of 500 | +10.0 points (+9.0 to +11.0) | 90 s | 72 s | $0.04 |" in text
    assert "| old | 500 | 0.700 | 0.695 | -0.5 points (-1.5 to +0.5) |" in text
    assert "Turn 2: 7 corrections acknowledged; 7 of their ids in the data" in text
    assert "as votes on 3 texts: 2 holdout, 5 train." in text
    assert "the partitions hold 7 events: 0 lost, 0 twice." in text
    assert (scenario.folder / "report.png").read_bytes().startswith(b"\x89PNG")
