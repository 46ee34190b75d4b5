"""Corrections and the parts: what is held out stays so, and what files gave is not touched."""

import random
from collections import Counter

import pytest

from tasks.split.__main__ import split
from tasks.split.assignment import Member, assign, draw
from tests.tasks.split.examples import PARAMS, labelled, ordinary

NUM_SETS = 1000


def member(number: int, key: str, group: str, is_feedback: bool) -> Member:
    return Member(f"id{number}", key, group, True, is_feedback)


def key_drawn(part: str, start: int = 0) -> str:
    return next(key for n in range(start, 9999) if draw(key := f"key {n}", PARAMS) == part)


@pytest.mark.parametrize("drawn", ["train", "validation", "test"])
@pytest.mark.parametrize("relation", ["same key", "twin"])
def test_a_correction_of_a_test_example_or_of_its_twin_goes_to_the_holdout(drawn, relation):
    key = key_drawn("test")
    other = key if relation == "same key" else key_drawn(drawn, 5000)
    assert assign([member(0, key, "g", False), member(1, other, "g", True)], PARAMS) == [
        "test", "holdout",
    ]  # fmt: skip


def test_a_correction_of_an_unknown_text_goes_where_its_text_is_drawn():
    for drawn, part in {"train": "train", "validation": "validation", "test": "holdout"}.items():
        assert assign([member(0, key_drawn(drawn), "g", True)], PARAMS) == [part]


def test_corrections_that_are_twins_of_what_is_learnt_cannot_keep_it_from_being_learnt():
    learnt = member(0, key_drawn("train"), "g", False)
    for drawn in ("test", "validation"):
        twin = member(1, key_drawn(drawn), "g", True)
        assert assign([learnt, twin], PARAMS) == ["train", "twin_of_learnt"]


def test_a_correction_is_not_learnt_beside_its_twin_in_the_holdout():
    members = [
        member(0, key_drawn("test"), "g", True),
        member(1, key_drawn("train"), "g", True),
        member(2, key_drawn("validation"), "h", True),
        member(3, key_drawn("train", 50), "h", True),
    ]
    assert assign(members, PARAMS) == [
        "holdout", "twin_of_holdout", "validation", "twin_of_validation",
    ]  # fmt: skip


def test_no_random_feedback_moves_an_example_of_files_or_leaks_what_is_held_out():
    """Over 1,000 sets: texts of files, their twins and new ones, in groups of any company."""
    chance = random.Random(7)
    files = [
        member(n, f"key {n}", f"group {chance.randrange(40)}", False) for n in range(60)
    ]  # fmt: skip
    before = assign(files, PARAMS)
    seen: Counter[str] = Counter()
    for _ in range(NUM_SETS):
        new = [_random_correction(60 + n, files, chance) for n in range(chance.randrange(1, 30))]
        members = [*files, *new]
        parts = assign(members, PARAMS)
        assert parts[: len(files)] == before
        _check_no_leak(members, parts)
        seen.update(parts[len(files) :])
    assert {"train", "validation", "holdout", "twin_of_learnt", "twin_of_holdout"} <= set(seen)


def _random_correction(number: int, files: list[Member], chance: random.Random) -> Member:
    known = chance.choice(files)
    kind = chance.randrange(3)
    key = known.key if kind == 0 else f"new {number} {chance.randrange(500)}"  # one key, one group
    group = known.group_id if kind < 2 else f"new group {chance.randrange(30)}"
    return member(number, key, group, True)


def _check_no_leak(members: list[Member], parts: list[str]) -> None:
    def where(*names: str) -> tuple[set[str], set[str]]:
        chosen = [m for m, part in zip(members, parts, strict=True) if part in names]
        return {m.key for m in chosen}, {m.group_id for m in chosen}

    learnt, held = where("train", "validation"), where("test", "holdout")
    assert not learnt[0] & held[0]
    assert not learnt[1] & held[1]
    assert not where("train")[1] & where("validation")[1]
    test_keys = {m.key for m, part in zip(members, parts, strict=True) if part == "test"}
    for one, part in zip(members, parts, strict=True):
        if one.is_feedback and one.key in test_keys:
            assert part == "holdout"


def test_the_stage_writes_the_holdout_and_knows_corrections_by_their_origin():
    rows = ordinary()
    numbers = [n for n, row in enumerate(rows) if draw(row[0], PARAMS) == "test"][:5]
    again = [rows[n] for n in numbers]
    corrected = frozenset(range(len(rows), len(rows) + len(again)))
    parts, excluded = split(labelled([*rows, *again], corrected), PARAMS)
    assert parts["holdout"]["text"].to_pylist() == [text for text, _, _ in again]
    plain, _ = split(labelled(rows), PARAMS)
    assert plain["holdout"].num_rows == 0
    for part in ("train", "validation", "test"):
        assert parts[part].equals(plain[part])
    assert excluded.num_rows == 0


LONG = "the battery of this phone lasts two whole days and it charges again within one hour flat so"


def long_text(part: str) -> str:
    """Nearly equal to any other of these, and drawn for the part."""
    tails = (f"{LONG} we like it {n}" for n in range(9999))
    return next(text for text in tails if draw(text, PARAMS) == part)


@pytest.mark.parametrize(
    ("of_file", "of_feedback", "reason"),
    [
        ("test", "train", "twin_of_test"),
        ("test", "validation", "twin_of_test"),
        ("train", "test", "twin_of_learnt"),
        ("train", "validation", "twin_of_learnt"),
        ("validation", "train", "twin_of_validation"),
    ],
)
def test_a_correction_that_no_group_shows_as_a_twin_stops_nothing(of_file, of_feedback, reason):
    """In groups of their own, as a flood of copies can have them."""
    rows = ordinary()
    twins = [(long_text(of_file), "file", "good"), (long_text(of_feedback), "people", "good")]
    parts, excluded = split(labelled([*rows, *twins], frozenset([len(rows) + 1])), PARAMS)
    assert f"id{len(rows)}" in parts[of_file]["example_id"].to_pylist()
    assert excluded["reason"].to_pylist() == [reason]
    assert excluded["example_id"].to_pylist() == [f"id{len(rows) + 1}"]


def test_corrections_nearly_equal_to_one_another_are_kept_apart_too():
    rows = ordinary()
    texts = [long_text("test"), long_text("train"), long_text("validation")]
    twins = [(text, f"people {at}", "good") for at, text in enumerate(texts)]
    corrected = frozenset(range(len(rows), len(rows) + 3))
    parts, excluded = split(labelled([*rows, *twins], corrected), PARAMS)
    assert parts["holdout"]["text"].to_pylist() == [texts[0]]
    assert excluded["reason"].to_pylist() == ["twin_of_test", "twin_of_test"]
