"""The rules from votes to classes, on their boundaries."""

import math
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.errors import ParamsError
from tasks.votes import UNLABELLED, mean_votes, resolve, vote_classes, vote_counts
from tests.tasks.label.examples import ODD_CLASSES, category_params, list_votes, scale_params

SCALE = {"rule": "mean", "lowest": -4, "highest": 4, "thresholds": [-0.5, 0.5]}
FIVE = {"rule": "mean", "lowest": 1, "highest": 5, "thresholds": [1.5, 2.5, 3.5, 4.5]}


@pytest.mark.parametrize(
    ("votes", "expected"),
    [
        (["-1", "0"], 1),  # mean exactly -0.5 belongs to the middle
        (["0", "1"], 1),  # mean exactly 0.5 too
        (["-0.50001"], 0),
        (["0.50001"], 2),
        (["-4"], 0),  # the ends are on the scale
        (["4"], 2),
        (["-4", "4"], 1),
        (["+1", " 2 ", "3e0"], 2),  # numbers as people write them
    ],
)
def test_a_mean_on_a_threshold_belongs_to_the_middle(votes: list[str], expected: int) -> None:
    assert resolve(list_votes(votes), scale_params()).tolist() == [expected]


def test_every_threshold_of_a_longer_scale_belongs_to_its_inner_side() -> None:
    params = scale_params(classes=["a", "b", "c", "d", "e"], votes=FIVE)
    found = resolve(list_votes(["1.5"], ["2.5"], ["3"], ["3.5"], ["4.5"], ["5"]), params)
    assert found.tolist() == [1, 2, 2, 2, 3, 4]


def test_a_threshold_in_the_very_middle_belongs_to_the_class_above() -> None:
    params = scale_params(classes=["no", "yes"], votes=SCALE | {"thresholds": [0]})
    assert resolve(list_votes(["0"], ["-1", "1"], ["-0.1"]), params).tolist() == [1, 1, 0]


@pytest.mark.parametrize("outside", ["5", "-4.001", "inf", "-inf", "nan", "good", "", "1,5", None])
def test_a_vote_outside_the_scale_counts_nowhere(outside: str | None) -> None:
    votes, params = list_votes([outside], ["3", outside], ["-3", "-3"]), scale_params()
    assert resolve(votes, params).tolist() == [UNLABELLED, 2, 0]
    assert vote_counts(votes, params).tolist() == [[0, 0, 0], [0, 0, 1], [2, 0, 0]]
    means = mean_votes(votes, params.votes)
    assert math.isnan(means[0])
    assert means[1:].tolist() == [3, -3]


def test_rows_without_votes_are_unlabelled_by_either_rule() -> None:
    votes = list_votes([], ["a"], [])
    assert resolve(votes, category_params(["a", "b"])).tolist() == [UNLABELLED, 0, UNLABELLED]
    assert resolve(list_votes([], ["2"], []), scale_params()).tolist() == [
        UNLABELLED,
        2,
        UNLABELLED,
    ]


def test_a_tie_goes_to_the_class_named_first_in_the_params() -> None:
    votes = list_votes(["b", "a"], ["c", "b", "c", "b"], ["c", "a", "b"])
    assert resolve(votes, category_params(["a", "b", "c"])).tolist() == [0, 1, 0]
    assert resolve(votes, category_params(["c", "b", "a"])).tolist() == [1, 0, 0]


def test_an_unknown_class_name_counts_nowhere() -> None:
    votes, params = (
        list_votes(["x", "x", "b"], ["x"], [None, "a"], ["A"]),
        category_params(["a", "b"]),
    )
    assert resolve(votes, params).tolist() == [1, UNLABELLED, 0, UNLABELLED]
    assert vote_counts(votes, params).tolist() == [[0, 1], [0, 0], [1, 0], [0, 0]]


def test_class_names_that_look_like_numbers_or_nothing_stay_text() -> None:
    votes = list_votes(*[[name] for name in ODD_CLASSES])
    assert resolve(votes, category_params(ODD_CLASSES)).tolist() == [0, 1, 2, 3, 4]
    assert resolve(list_votes(["100000.0"], ["true"]), category_params(ODD_CLASSES)).tolist() == [
        UNLABELLED,
        UNLABELLED,
    ]


def test_no_rows_and_sliced_rows_give_as_many_answers_as_rows() -> None:
    params = scale_params()
    assert resolve(list_votes(), params).shape == (0,)
    assert vote_counts(list_votes(), params).shape == (0, 3)
    sliced = list_votes(["4"], ["-4", "-4"], [], ["0"]).slice(1, 3)
    assert resolve(sliced, params).tolist() == [0, UNLABELLED, 1]
    assert vote_counts(sliced, params).tolist() == [[2, 0, 0], [0, 0, 0], [0, 1, 0]]


def test_single_votes_get_the_class_the_thresholds_give_them() -> None:
    found = vote_classes(pa.array(["-1", "-0.5", "0", "0.5", "1", "9"]), scale_params())
    assert found.tolist() == [0, 1, 1, 1, 2, UNLABELLED]


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.lists(st.lists(st.integers(-6, 6), max_size=12), max_size=12))
def test_classes_are_those_of_exact_arithmetic_over_the_votes_inside(rows: list[list[int]]) -> None:
    half = Fraction(1, 2)
    expected = []
    for row in rows:
        inside = [vote for vote in row if -4 <= vote <= 4]
        mean = Fraction(sum(inside), len(inside)) if inside else None
        expected.append(UNLABELLED if mean is None else int(mean >= -half) + int(mean > half))
    votes = list_votes(*[[str(vote) for vote in row] for row in rows])
    assert resolve(votes, scale_params()).tolist() == expected


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.lists(st.lists(st.sampled_from(["a", "b", "c", "?"]), max_size=9), max_size=9))
def test_majorities_are_those_of_counting_by_hand(rows: list[list[str]]) -> None:
    names, params = ["a", "b", "c"], category_params(["a", "b", "c"])
    counts = [[row.count(name) for name in names] for row in rows]
    votes = list_votes(*rows)
    assert vote_counts(votes, params).tolist() == counts
    expected = [row.index(max(row)) if any(row) else UNLABELLED for row in counts]
    assert resolve(votes, params).tolist() == expected


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"votes": SCALE | {"thresholds": [0.5, -0.5]}}, "must ascend"),
        ({"votes": SCALE | {"thresholds": [0.5, 0.5]}}, "must ascend"),
        ({"votes": SCALE | {"thresholds": [-0.5, 4.5]}}, "must ascend"),
        ({"votes": SCALE | {"thresholds": [-0.5, float("nan")]}}, "must ascend"),
        ({"votes": SCALE | {"lowest": 5}}, "must ascend"),
        ({"votes": SCALE | {"thresholds": [0.5]}}, "3 classes need 2 ascending thresholds"),
        ({"votes": SCALE | {"rule": "median"}}, "label.votes"),
        ({"classes": ["a", "b", "a"]}, "must all differ"),
        ({"classes": ["a", "b", None]}, "class None is no text for YAML; put it in quotes"),
        ({"classes": ["a", True, "b"]}, "class True is no text for YAML; put it in quotes"),
        ({"classes": ["a", "b ", "c"]}, "class 'b ' must be visible text"),
        ({"classes": ["a", "", "c"]}, "class '' must be visible text"),
        ({"classes": ["a", "b\x00", "c"]}, "class 'b\\x00' must be visible text"),
        ({"classes": ["only"]}, "label.classes"),
        ({"consensus": {"folds": 1}}, "label.consensus"),
    ],
)
def test_params_that_make_no_sense_are_refused_in_one_line(
    changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ParamsError) as caught:
        scale_params(**changes)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_order_of_rows_changes_no_answer() -> None:
    generator = np.random.default_rng(0)
    rows = [[str(vote) for vote in generator.integers(-4, 5, size=size)] for size in range(40)]
    found = resolve(list_votes(*rows), scale_params())
    assert resolve(list_votes(*rows[::-1]), scale_params()).tolist() == found[::-1].tolist()
