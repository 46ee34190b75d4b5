"""What is nearly equal is found as comparing all pairs finds it, at a cost that nobody raises."""

import random
from collections import Counter

from tasks.split import near
from tasks.split.near import find_near
from tasks.split.nearness import set_aside_near
from tests.tasks.split.examples import PARAMS
from tests.tasks.split.test_feedback import member
from tests.tasks.split.test_leaks import LONG


def test_one_that_is_near_is_found_for_each():
    words = LONG.split()
    asked = {f"a{at}": " ".join(words[:at] + words[at + 1 :]) for at in range(len(words))}
    others = {"b": LONG, "c": " ".join(reversed(words)), "d": "nothing like it"}
    # Dropping one of 21 words leaves 20/21 of them; only words that occur twice change no set.
    assert set(find_near(asked, others, 0.85, None)) == {(own, "b") for own in asked}
    assert set(find_near(asked, others, 0.999, None)) == set()


def test_of_any_texts_those_are_found_that_comparing_all_pairs_finds():
    draw = random.Random(0)
    for bound in (0.3, 0.55, 0.7, 0.9):
        asked, others = ({f"{name}{at}": _write(draw) for at in range(60)} for name in "ab")
        twins = {
            own: {other for other, text in others.items() if _is_near(asked[own], text, bound)}
            for own in asked
        }
        found = dict(find_near(asked, others, bound, None))
        assert set(found) == {own for own in asked if twins[own]} != set()
        assert all(found[own] in twins[own] for own in found)


def test_short_texts_of_few_words_are_compared_only_where_they_can_be_near():
    draw = random.Random(0)
    words = [f"w{number}" for number in range(50)]
    asked, others = (
        {f"{name}{at}": " ".join(draw.choices(words, k=draw.randint(3, 7))) for at in range(500)}
        for name in "ab"
    )
    assert not list(find_near(asked, others, 0.9, None))
    sets = [set(key.split()) for key in (*asked.values(), *others.values())]
    counts = Counter(word for own in sets for word in own)
    index = near.Index(others, counts, 0.9)
    compared = sum(len(list(index.candidates(own))) for own in sets[: len(asked)])
    assert compared < 500 * 500 / 50  # ten times as many when every shared rare word counts


def test_texts_much_alike_are_compared_with_few_and_set_aside_rather_than_learnt_from():
    """Sixteen rare words each, of which two texts share fifteen: all can be near, none is."""
    most = PARAMS.max_compared
    others = {f"other{n}": _alike(f"left{n}") for n in range(most + 1)}
    asked = {f"own{n}": _alike(f"right{n}") for n in range(50)}
    assert dict(find_near(asked, others, 0.9, most)) == dict.fromkeys(asked)
    assert dict(find_near(asked, others, 0.9, most + 1)) == {}


def test_a_flood_of_corrections_leaks_nothing_and_touches_no_text_of_files():
    most = PARAMS.max_compared
    texts = [(_alike(f"left{n}"), "test", False) for n in range(3)]
    texts += [(_alike(f"flood{n}"), ("train", "holdout")[n % 2], True) for n in range(2 * most + 8)]
    texts += [(f"{LONG} {n}", ("test", "train")[n % 2], n > 0) for n in range(2)]
    members = [
        member(n, key, f"g{n}", is_feedback) for n, (key, _, is_feedback) in enumerate(texts)
    ]
    placed = set_aside_near(members, [part for _, part, _ in texts], PARAMS)
    assert placed[:3] == ["test"] * 3
    assert placed[-2:] == ["test", "twin_of_test"]
    flood = Counter(placed[3:-2])
    assert flood == {"too_many_alike": most + 4, "holdout": most + 4}


def _alike(word):
    return " ".join([*(f"rare{n}" for n in range(15)), word])


def _write(draw):
    return " ".join(draw.choices(["ax", "by", "cz", "dw"], k=draw.randint(1, 9)))


def _is_near(first, second, bound):
    return (
        _similarity(first.split(), second.split()) > bound
        and _similarity(_pieces(first), _pieces(second)) > bound
    )


def _pieces(key):
    return [("   " + key)[at : at + 4] for at in range(len(key))]


def _similarity(first, second):
    return len(set(first) & set(second)) / len(set(first) | set(second))
