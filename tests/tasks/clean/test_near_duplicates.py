"""Near-duplicates: what is joined, what stays apart, and that order plays no part."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.clean.near_duplicates import cluster, jaccard
from tasks.clean.shingles import shingle
from tests.tasks.clean.examples import PARAMS, sentences, sets_of

NEAR = PARAMS.near_duplicates


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(st.text("ab é👍", min_size=1, max_size=12), min_size=2, max_size=8), st.integers(1, 5)
)
def test_similarity_is_the_true_jaccard_of_the_character_shingles(keys, size):
    sets = sets_of(keys, size)
    pairs = np.array([[i, j] for i in range(len(keys)) for j in range(i + 1, len(keys))])
    expected = [len(sets[i] & sets[j]) / len(sets[i] | sets[j]) for i, j in pairs]
    assert jaccard(shingle(keys, size), pairs) == pytest.approx(expected)


def test_a_changed_dropped_or_added_word_joins_and_unrelated_texts_stay_apart():
    base = sentences(400)
    split_base = [text.split() for text in base]
    changed = [" ".join([*words[:5], "zebra", *words[6:]]) for words in split_base]
    dropped = [" ".join(words[:5] + words[6:]) for words in split_base]
    added = [" ".join([*words[:5], "zebra", *words[5:]]) for words in split_base]
    clusters = cluster(base + changed + dropped + added, NEAR).reshape(4, len(base))
    assert np.mean(clusters == clusters[0], axis=1).min() > 0.98
    assert len(np.unique(clusters[0])) == len(base)


def test_texts_shorter_than_a_shingle_do_not_fall_into_one_group():
    keys = ["a", "b", "ab", "ba", ":)", ":(", "👍", "a"]
    clusters = cluster(keys, NEAR)
    assert clusters[0] == clusters[-1]
    assert len(set(clusters.tolist())) == len(keys) - 1


def test_the_order_of_rows_does_not_change_who_belongs_together():
    keys = [text for text in sentences(150) for text in (text, text[:-3], "so " + text)]
    shuffled = random.Random(2).sample(range(len(keys)), len(keys))

    def partition(clusters, places):
        members = {}
        for place, number in zip(places, clusters.tolist(), strict=True):
            members.setdefault(number, set()).add(place)
        return {frozenset(group) for group in members.values()}

    there = partition(cluster(keys, NEAR), range(len(keys)))
    back = partition(cluster([keys[place] for place in shuffled], NEAR), shuffled)
    assert there == back


def test_a_template_with_thousands_of_copies_is_one_cluster_at_bounded_cost():
    keys = [
        f"your order number {number} was shipped today and arrives soon" for number in range(2000)
    ]
    assert len(set(cluster(keys, NEAR).tolist())) == 1


@pytest.mark.parametrize("keys", [[], ["one"], ["same", "same"]])
def test_few_texts_are_no_special_case(keys):
    assert len(set(cluster(keys, NEAR).tolist())) == len(set(keys))
