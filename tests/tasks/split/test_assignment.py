"""Where examples go, and that growing data moves none to another part."""

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.split.assignment import PARTS, Member, assign, draw
from tests.tasks.split.examples import PARAMS

MEMBERS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 15), st.booleans()), max_size=40)
FROZEN = "rrerrerrrrrrrrrrreraerrrrrrrrrrrrrrrrear"  # second letters of the parts
WIDE = PARAMS.model_copy(update={"test_fraction": 0.3, "validation_fraction": 0.3})


def members(rows, prefix):
    # Equal texts are in one group, as clean leaves them.
    group_of = {}
    return [
        Member(f"{prefix}{at}", f"text {text}", group_of.setdefault(text, f"group {group}"), known)
        for at, (text, group, known) in enumerate(rows)
    ]


@settings(max_examples=400, deadline=None, derandomize=True)
@given(MEMBERS, MEMBERS, st.randoms(use_true_random=False))
def test_adding_any_rows_in_any_order_moves_no_example_to_another_part(old, new, rng):
    before = members(old, "old")
    renamed = {f"group {at}": f"group {rng.randrange(16)}" for at in range(16)}
    # Growth can join clusters and so rename groups; a text's own group stays one.
    merged = [
        Member(one.example_id, one.key, renamed[one.group_id], one.is_labelled) for one in before
    ]
    after = merged + members(new, "new")
    rng.shuffle(after)
    was = dict(zip((one.example_id for one in before), assign(before, WIDE), strict=True))
    now = dict(zip((one.example_id for one in after), assign(after, WIDE), strict=True))
    for example_id, part in was.items():
        if part in PARTS and now[example_id] in PARTS:
            assert now[example_id] == part
        if part == "test":
            assert now[example_id] == "test"


@settings(max_examples=200, deadline=None, derandomize=True)
@given(MEMBERS)
def test_no_group_is_in_two_parts_and_only_unlabelled_or_twins_are_set_aside(rows):
    group_parts = {}
    everyone = members(rows, "id")
    for one, result in zip(everyone, assign(everyone, WIDE), strict=True):
        assert (result == "unlabelled") == (not one.is_labelled)
        if result in PARTS:
            group_parts.setdefault(one.group_id, set()).add(result)
    assert all(len(parts) == 1 for parts in group_parts.values())


def test_the_shares_are_those_of_the_params_and_another_salt_draws_others():
    keys = [f"text {at}" for at in range(20_000)]
    drawn = [draw(key, PARAMS) for key in keys]
    counts = Counter(drawn)
    assert counts["test"] / len(keys) == pytest.approx(PARAMS.test_fraction, abs=0.01)
    assert counts["validation"] / len(keys) == pytest.approx(PARAMS.validation_fraction, abs=0.01)
    other = PARAMS.model_copy(update={"salt": "2"})
    assert [draw(key, other) for key in keys] != drawn


def test_the_draw_is_frozen_for_all_time():
    # A change here makes every earlier metric incomparable: change the salt instead.
    assert "".join(draw(f"text {at}", PARAMS)[1] for at in range(40)) == FROZEN


def test_order_of_rows_plays_no_part():
    rng = random.Random(1)
    everyone = members([(rng.randrange(50), rng.randrange(20), True) for _ in range(60)], "id")
    there = dict(zip((one.example_id for one in everyone), assign(everyone, WIDE), strict=True))
    everyone.reverse()
    back = dict(zip((one.example_id for one in everyone), assign(everyone, WIDE), strict=True))
    assert there == back
