"""Krippendorff's alpha, against published values and where it is undefined."""

import logging

import numpy as np
import pytest

from tasks.label.alpha import count_values, measure_alpha
from tests.tasks.label.examples import category_params, list_votes, scale_params

# Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), example C: four observers,
# twelve units, with gaps; nominal alpha 0.743, interval alpha 0.849.
UNITS = ["1_11", "2232", "3333", "3333", "2222", "1234"]
UNITS += ["4444", "1121", "2222", "_555", "__11", "_3__"]
VOTES = list_votes(*[list(unit.replace("_", "")) for unit in UNITS])
SCALE = scale_params(votes={"rule": "mean", "lowest": 1, "highest": 5, "thresholds": [2, 4]})
NAMES = category_params(["1", "2", "3", "4", "5"])


def test_interval_alpha_of_a_scale_is_the_published_one() -> None:
    assert measure_alpha(VOTES, SCALE, "here") == pytest.approx(0.849, abs=5e-4)


def test_nominal_alpha_of_names_is_the_published_one() -> None:
    assert measure_alpha(VOTES, NAMES, "here") == pytest.approx(0.743, abs=5e-4)


def test_rows_of_one_vote_or_none_change_nothing() -> None:
    more = list_votes(*VOTES.to_pylist(), ["1"], [], ["5"])
    assert measure_alpha(more, SCALE, "here") == measure_alpha(VOTES, SCALE, "here")


def test_votes_outside_the_rules_change_nothing() -> None:
    more = list_votes(*[[*votes, "17", "x"] for votes in VOTES.to_pylist()])
    assert measure_alpha(more, SCALE, "here") == measure_alpha(VOTES, SCALE, "here")
    assert measure_alpha(more, NAMES, "here") == measure_alpha(VOTES, NAMES, "here")


@pytest.mark.parametrize(
    "rows", [[], [["1"], ["2"]], [["2", "2"], ["2", "2"], ["1"]], [["x", "y"]]]
)
def test_an_undefined_alpha_is_none_and_the_log_says_so(
    rows: list[list[str]], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        assert measure_alpha(list_votes(*rows), SCALE, "web") is None
        assert measure_alpha(list_votes(*rows), NAMES, "web") is None
    assert "web: no alpha" in caplog.text


def test_values_are_counted_per_row_in_ascending_order() -> None:
    values, counts = count_values(list_votes(["5", "1", "1"], [], ["1.0", "3"]), SCALE)
    assert values == [1, 3, 5]
    assert counts.tolist() == [[2, 0, 1], [0, 0, 0], [1, 1, 0]]


def test_a_table_too_large_for_memory_is_sampled_and_the_log_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    generator = np.random.default_rng(0)
    centres = generator.integers(1, 6, size=4000)
    rows = [np.clip(centre + generator.integers(-1, 2, size=5), 1, 5) for centre in centres]
    votes = list_votes(*[[str(vote) for vote in row] for row in rows])
    small = SCALE.model_copy(update={"alpha_max_cells": 25_000})
    with caplog.at_level(logging.INFO):
        sampled = measure_alpha(votes, small, "web")
    assert sampled == pytest.approx(measure_alpha(votes, SCALE, "web"), abs=0.03)
    assert "web: alpha from every 4. of the rows" in caplog.text
