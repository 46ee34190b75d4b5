"""Behavioural checks: the pairs they make, and which of them pass."""

from typing import Any

import numpy as np
import pytest

from tasks.errors import ParamsError
from tasks.evaluate.behaviour import judge, measure_moves, passes, run_checks
from tasks.evaluate.params import Check, Direction, EvaluateParams, Invariance
from tasks.evaluate.perturb import Pair, make_pairs, swap_letters
from tasks.label_set import LabelSet
from tasks.params import parse_section
from tests.tasks.evaluate.splits import SHIPPED, make_examples

UP = {"kind": "direction", "moves": "up", "of_class": None, "min_move": 0.5}
EXAMPLES = make_examples([0, 1, 0], texts=["Good stuff", "so it was", "!!"])
TEST_SPLIT = {"taken_from": "test_split", "max_texts": 2}
TEMPLATES = {
    "taken_from": "templates",
    "templates": ["{who} was {how}", "no slot"],
    "slots": {"who": ["Ann", "Bo", "Cy"], "how": ["fine", "ill"]},
}


def make_check(texts: Any, change: Any, expect: Any = None, name: str = "one") -> Check:
    expect = expect or {"kind": "invariance"}
    return Check.model_validate({"name": name, "texts": texts, "change": change, "expect": expect})


def test_a_varied_slot_pairs_its_first_value_with_each_other_in_every_combination() -> None:
    pairs = make_pairs(make_check(TEMPLATES, {"what": "vary", "slot": "who"}), EXAMPLES)
    assert pairs == [
        ("Ann was fine", "Bo was fine"), ("Ann was fine", "Cy was fine"),
        ("Ann was ill", "Bo was ill"), ("Ann was ill", "Cy was ill"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {"what": "case", "to": "upper"},
            [("Good stuff", "GOOD STUFF"), ("so it was", "SO IT WAS")],
        ),
        ({"what": "case", "to": "lower"}, [("Good stuff", "good stuff")]),
        (
            {"what": "append", "additions": [" x", " y"]},
            [("Good stuff", "Good stuff x"), ("Good stuff", "Good stuff y"),
             ("so it was", "so it was x"), ("so it was", "so it was y")],
        ),
        (
            {"what": "replace", "words": {"Good": "Bad", "stuff": "-"}},
            [("Good stuff", "Bad stuff")],
        ),
        ({"what": "replace", "words": {"absent": "x"}}, []),
    ],
)  # fmt: skip
def test_changes_of_the_first_texts_of_the_split(
    change: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert make_pairs(make_check(TEST_SPLIT, change), EXAMPLES) == expected


def test_a_typo_swaps_two_inner_letters_of_a_word_and_is_always_the_same() -> None:
    text = "wonderful day, isn't it"
    typos = [swap_letters(text, seed=0, number=number) for number in range(20)]
    assert typos == [swap_letters(text, seed=0, number=number) for number in range(20)]
    assert len(set(typos)) > 3
    for typo in typos:
        places = [index for index, letter in enumerate(text) if typo[index] != letter]
        assert len(places) == 2
        assert places[1] == places[0] + 1
        assert places[0] > 0
        assert places[1] < len("wonderful") - 1
    assert swap_letters("a be sees", 0, 0) == "a be sees"


def test_an_invariance_fails_where_the_predicted_class_changes() -> None:
    before = np.array([[0.6, 0.4], [0.6, 0.4]])
    after = np.array([[0.9, 0.1], [0.4, 0.6]])
    check = make_check(TEST_SPLIT, {"what": "case", "to": "upper"})
    outcome = judge(check, [Pair("a", "A"), Pair("b", "B")], before, after, ["NA", "1e5"])
    assert outcome.pass_rate == 0.5
    assert outcome.failures == [
        {"check": "one", "before": "b", "after": "B", "predicted_before": "NA",
         "predicted_after": "1e5", "move": pytest.approx(0.2)}
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("moves", "of_class", "min_move", "expected"),
    [
        ("up", None, 0.5, [True, False, False]),
        ("down", None, 0.5, [False, True, False]),
        ("up", None, -0.1, [True, False, True]),
        ("up", "c", 0.5, [True, False, False]),
        ("down", "a", 0.0, [True, False, True]),
    ],
)
def test_a_direction_wants_the_score_to_move_by_the_margin(
    moves: Any, of_class: str | None, min_move: float, expected: list[bool]
) -> None:
    expect = Direction(kind="direction", moves=moves, of_class=of_class, min_move=min_move)
    before = np.array([[1, 0, 0], [0, 0, 1.0], [0, 1, 0]])
    after = np.array([[0, 0, 1.0], [1, 0, 0], [0, 1, 0]])
    moved = measure_moves(expect, before, after, ["a", "b", "c"])
    assert passes(expect, before, after, moved).tolist() == expected


def test_every_text_is_scored_once_whatever_the_number_of_checks() -> None:
    asked: list[list[str]] = []

    def score(texts: Any) -> Any:
        asked.append(list(texts))
        return np.array([[0.0, 1.0] if text.isupper() else [1.0, 0.0] for text in texts])

    checks = [
        make_check(TEST_SPLIT, {"what": "case", "to": "upper"}, name="stays"),
        make_check(TEST_SPLIT, {"what": "case", "to": "upper"}, UP, name="rises"),
    ]
    label_set = LabelSet(classes=("low", "high"), ordered=True)
    stays, rises = run_checks(checks, EXAMPLES, label_set, score)
    assert asked == [["Good stuff", "GOOD STUFF", "so it was", "SO IT WAS"]]
    assert (stays.pass_rate, rises.pass_rate) == (0, 1)


def test_no_checks_are_no_outcomes() -> None:
    label_set = LabelSet(classes=("a", "b"), ordered=False)
    assert run_checks([], EXAMPLES, label_set, lambda texts: np.zeros((len(texts), 2))) == []


def test_a_check_without_a_text_to_change_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    check = make_check(TEST_SPLIT, {"what": "replace", "words": {"absent": "x"}})
    label_set = LabelSet(classes=("a", "b"), ordered=False)
    outcome = run_checks([check], EXAMPLES, label_set, lambda texts: np.zeros((len(texts), 2)))[0]
    assert outcome.pass_rate is None
    assert "found no text" in caplog.text


@pytest.mark.parametrize(
    ("of_class", "ordered", "match"), [(None, False, "label.ordered"), ("c", True, "'c'")]
)
def test_a_check_that_the_label_set_cannot_measure_is_refused(
    of_class: str | None, ordered: bool, match: str
) -> None:
    change = {"what": "case", "to": "upper"}
    check = make_check(TEST_SPLIT, change, UP | {"of_class": of_class})
    label_set = LabelSet(classes=("a", "b"), ordered=ordered)
    with pytest.raises(ParamsError, match=match) as caught:
        run_checks([check], EXAMPLES, label_set, lambda texts: np.zeros((len(texts), 2)))
    assert "\n" not in str(caught.value)


def test_params_that_cannot_work_are_refused_by_name() -> None:
    shipped = SHIPPED.model_dump()
    unknown_slot = {"taken_from": "templates", "templates": ["{x}"], "slots": {"y": ["1"]}}
    check = {"name": "n", "texts": unknown_slot, "change": {"what": "case", "to": "upper"},
             "expect": {"kind": "invariance"}}  # fmt: skip
    lone = check | {"texts": TEMPLATES, "change": {"what": "vary", "slot": "absent"}}
    good = check | {"texts": TEST_SPLIT}
    for checks, match in (([check], "'x'"), ([lone], "absent"), ([good, good], "of their own")):
        with pytest.raises(ParamsError, match=match):
            parse_section("evaluate", shipped | {"checks": checks}, EvaluateParams)
    assert parse_section("evaluate", shipped | {"checks": []}, EvaluateParams).checks == []


def test_the_shipped_checks_make_pairs_of_both_kinds() -> None:
    examples = make_examples([0] * 5, texts=[f"a pleasant evening number {n}" for n in range(5)])
    kinds = set()
    for check in SHIPPED.checks:
        assert make_pairs(check, examples), check.name
        kinds.add(type(check.expect))
    assert kinds == {Invariance, Direction}
