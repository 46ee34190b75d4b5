"""The derived facts, without Great Expectations."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.errors import ParamsError
from tasks.records import CLEANED
from tasks.validate import facts
from tests.tasks.validate.examples import (
    NUM_ROWS,
    category_labels,
    make_table,
    parse_labels,
    parse_validate,
    rule,
    shrunk_params,
)


def test_every_declared_fact_is_derived_in_its_order() -> None:
    examples = facts.describe_examples(make_table(), parse_labels())
    tables = {
        "columns": facts.describe_columns(CLEANED),
        "examples": examples,
        "sources": facts.describe_sources(examples),
        "classes": facts.describe_classes(examples, parse_labels().classes),
    }
    assert {name: list(frame.columns) for name, frame in tables.items()} == {
        name: list(columns) for name, columns in facts.FACTS.items()
    }


def test_votes_become_count_extremes_outsiders_and_label() -> None:
    table = make_table({"votes": ["-4", "9", "x", "-2"]}, {"votes": []}, {"votes": None})
    frame = facts.describe_examples(table, parse_labels()).iloc[:3]
    assert frame["num_votes"].iloc[0] == 4
    assert frame["num_votes_outside"].to_list() == [2, 0, 0]
    assert (frame["lowest_vote"].iloc[0], frame["highest_vote"].iloc[0]) == (-4, 9)
    assert frame["label"].iloc[0] == "negative"
    assert frame.loc[1:, ["num_votes", "lowest_vote", "label"]].isna().all(axis=None)
    assert frame["is_labelled"].to_list() == [1, 0, 0]
    assert frame["num_missing"].to_list() == [0, 0, 1]


def test_votes_for_class_names_have_no_extremes() -> None:
    table = make_table({"votes": ["NA", "null", "NA"]}, {"votes": ["1e5", "maybe"]})
    frame = facts.describe_examples(table, category_labels(["NA", "null", "1e5"])).iloc[:2]
    assert frame["label"].to_list() == ["NA", "1e5"]
    assert frame["num_votes_outside"].to_list() == [0, 1]
    assert frame[["lowest_vote", "highest_vote"]].isna().all(axis=None)


def test_duplicates_and_near_duplicates_are_flagged() -> None:
    table = make_table({"duplicate_ids": ["a", "b"]}, {"group_id": "id00"}, {"group_id": None})
    frame = facts.describe_examples(table, parse_labels())
    assert frame["has_duplicates"].to_list() == [1] + [0] * (NUM_ROWS - 1)
    assert frame["is_near_duplicate"].to_list() == [0, 1] + [0] * (NUM_ROWS - 2)


def test_classes_without_examples_have_share_zero() -> None:
    frame = pd.DataFrame({"label": pd.Series(["a", None, "a"], dtype="str")})
    classes = facts.describe_classes(frame, ["a", "b"])
    assert classes["share"].to_list() == [1.0, 0.0]
    assert facts.describe_classes(frame.iloc[:0], ["a"])["share"].to_list() == [0.0]


def test_the_empty_table_has_all_facts_and_no_rows() -> None:
    frame = facts.describe_examples(make_table().slice(0, 0), parse_labels())
    assert (list(frame.columns), len(frame)) == (list(facts.FACTS["examples"]), 0)
    assert len(facts.describe_sources(frame)) == 0


def test_missing_and_undeclared_columns_and_other_types_are_told() -> None:
    found = pa.schema([("text", pa.int64()), ("extra", pa.list_(pa.string()))])
    frame = facts.describe_columns(found).set_index("column")
    assert list(frame.loc["text"]) == ["int64", "string"]
    assert list(frame.loc["extra"]) == ["list<string>", "not declared"]
    assert list(frame.loc["votes"]) == ["missing", "list<string>"]


@settings(deadline=None, derandomize=True, max_examples=25)
@given(st.lists(st.lists(st.integers(-6, 6), max_size=5), min_size=1, max_size=8))
def test_vote_facts_equal_a_plain_loop(votes: list[list[int]]) -> None:
    table = make_table(*({"votes": [str(vote) for vote in row]} for row in votes))
    frame = facts.describe_examples(table, parse_labels()).iloc[: len(votes)]
    nan = float("nan")
    np.testing.assert_array_equal(frame["lowest_vote"], [min(v, default=nan) for v in votes])
    np.testing.assert_array_equal(frame["highest_vote"], [max(v, default=nan) for v in votes])
    np.testing.assert_array_equal(frame["num_votes"], [len(v) or nan for v in votes])
    outside = [sum(abs(one) > 4 for one in v) for v in votes]
    assert frame["num_votes_outside"].to_list() == outside


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"max_quarantine_fraction": 2.0}, "max_quarantine_fraction = 2.0"),
        ({"max_quarentine": 0.1}, "validate.max_quarentine is not a known key"),
        ({"rules": []}, "validate.rules"),
        ({"rules": [rule("E"), rule("E")]}, r"rule names must differ, found \['tried'\]"),
        ({"rules": [rule("E", "halt")]}, "'quarantine', 'stop' or 'warn'"),
        ({"rules": [rule("E", table="text")]}, "'columns', 'examples', 'sources' or 'classes'"),
        ({"rules": [rule("E", "quarantine", "sources")]}, "only rows of 'examples'"),
        ({"rules": [rule("E", "quarantine", mostly=0.9)]}, "set max_quarantine_fraction"),
    ],
)
def test_params_that_make_no_sense_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ParamsError, match=message):
        parse_validate(shrunk_params(**change)["validate"])
