"""The judge of the proof can say no, and the report says what was measured."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.demo.proof import Compared, Traced
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
    return Result(turns, [ours], [other], [Traced(7, 7, {"train": 5, "holdout": 2})], 2.0)


def test_a_gain_that_is_clear_of_zero_and_costs_nothing_elsewhere_is_no_problem(scenario):
    good = result(compared("v1.1.0", 0.5, 0.6), compared("old", 0.7, 0.695))
    assert find_problems(good, scenario) == []


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


def test_the_report_has_each_turn_and_each_other_source(scenario):
    text = write_report(result(compared("v1.1.0", 0.5, 0.6), compared("old", 0.7, 0.695)), scenario)
    assert "| 1 | v1.0.0 | by hand | 0 | 0.500 of 500 |  | 60 s | 50 s | $0.03 |" in text
    assert "0.600 of 500 | +10.0 points (+9.0 to +11.0) | 90 s | 72 s | $0.04 |" in text
    assert "| old | 500 | 0.700 | 0.695 | -0.5 points (-1.5 to +0.5) |" in text
    assert (
        "7 ingested, once each; of their texts in the split of this turn's model: 2 holdout" in text
    )
    assert (scenario.folder / "report.png").read_bytes().startswith(b"\x89PNG")
