"""Planted leaks, empty parts and missing classes are found and named."""

import pytest

from tasks.errors import GateError
from tasks.split.leaks import refuse_gaps, refuse_leaks
from tests.tasks.split.examples import labelled

LONG = (
    "the battery of this phone lasts two whole days and it charges again within one hour flat so "
    "we like it"
)


def parts(train, validation, test):
    """Tables of (text, group) pairs; ids run on from part to part."""
    table = labelled([(text, group, "good") for text, group in [*train, *validation, *test]])
    ends = (len(train), len(train) + len(validation))
    return {
        "train": table[: ends[0]],
        "validation": table[ends[0] : ends[1]],
        "test": table[ends[1] :],
        "holdout": table[:0],
    }


CLEAN = [("alpha", "1")], [("beta", "2")], [("gamma", "3")]


def test_parts_without_twins_pass():
    refuse_leaks(parts(*CLEAN), 0.9)


@pytest.mark.parametrize(
    ("planted", "message"),
    [
        (([("Gamma!", "1")], *CLEAN[1:]), r"id0 in train and id2 in test \(the same text\)"),
        (([("alpha", "3")], *CLEAN[1:]), r"id0 in train and id2 in test \(the same group\)"),
        ((CLEAN[0], [("beta", "3")], CLEAN[2]), "id1 in validation and id2 in test"),
        (([("alpha", "2")], *CLEAN[1:]), "id0 in train and id1 in validation"),
        (
            ([(LONG + " x", "1")], CLEAN[1], [(LONG, "3")]),
            r"id0 in train and id2 in test \(nearly equal\)",
        ),
    ],
    ids=["text", "group", "validation", "train-validation", "near"],
)
def test_a_planted_leak_fails_with_the_ids_of_both(planted, message):
    with pytest.raises(GateError, match=message):
        refuse_leaks(parts(*planted), 0.9)


def test_many_leaks_are_counted_and_the_first_few_named():
    planted = [(f"text {at}", "3") for at in range(9)]
    with pytest.raises(GateError, match=r"9 twins across the split.*; id4 in train.* and 4 more"):
        refuse_leaks(parts(planted, *CLEAN[1:]), 0.9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"validation": []}, r"validation is empty, expected an example or more \(train 2"),
        ({"test": ["good"]}, r"no example of class \['bad'\] in test, which has 1 examples"),
        ({"train": ["bad"]}, r"no example of class \['good'\] in train"),
    ],
)
def test_a_part_without_examples_or_without_a_class_is_refused(change, message):
    labels = {"train": ["good", "bad"], "validation": ["good"], "test": ["bad", "good"], **change}
    tables = {
        part: labelled([(f"{part} {at}", part, name) for at, name in enumerate(names)])
        for part, names in labels.items()
    }
    with pytest.raises(GateError, match=message):
        refuse_gaps(tables)
