"""Class, soft distribution and agreement of each row."""

import itertools

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.label.labels import add_labels, measure_agreement, resolve_labels
from tasks.records import LABELLED
from tests.tasks.label.examples import category_params, list_votes, make_examples, scale_params


def label_rows(rows: list[list[str]], **changes: object) -> list[dict[str, object]]:
    params = scale_params(**changes)
    examples = make_examples([{"votes": votes} for votes in rows])
    labels = resolve_labels(examples.column("votes").combine_chunks(), params)
    table = add_labels(examples, labels, params.classes)
    return table.cast(LABELLED).to_pylist()


def test_a_row_gets_label_distribution_agreement_and_mean() -> None:
    row = label_rows([["-2", "0", "2", "3"]])[0]
    assert row["label"] == "positive"
    assert row["label_probs"] == [0.25, 0.25, 0.5]
    assert row["agreement"] == pytest.approx(1 / 6)  # one of the six pairs of votes agrees
    assert row["mean_vote"] == 0.75


def test_unlabelled_rows_stay_with_nulls_between_labelled_ones() -> None:
    rows = label_rows([["4"], [], ["9"], ["-4", "-4"]])
    assert [row["label"] for row in rows] == ["positive", None, None, "negative"]
    assert [row["label_probs"] for row in rows] == [[0, 0, 1], None, None, [1, 0, 0]]
    assert [row["agreement"] for row in rows] == [1, None, None, 1]
    assert [row["mean_vote"] for row in rows] == [4, None, None, -4]


def test_votes_that_are_names_have_no_mean() -> None:
    rows = label_rows([["no", "no", "yes"], []], classes=["yes", "no"], votes={"rule": "majority"})
    assert [row["label"] for row in rows] == ["no", None]
    assert rows[0]["label_probs"] == pytest.approx([1 / 3, 2 / 3])
    assert [row["mean_vote"] for row in rows] == [None, None]


def test_no_rows_give_an_empty_table_of_the_schema() -> None:
    assert label_rows([]) == []


@pytest.mark.parametrize(
    ("counts", "agreement"),
    [([1, 0], 1), ([2, 0], 1), ([1, 1], 0), ([2, 1], 1 / 3), ([0, 0], np.nan), ([50, 50], 49 / 99)],
)
def test_agreement_is_the_chance_that_two_votes_are_alike(
    counts: list[int], agreement: float
) -> None:
    assert measure_agreement(np.array([counts])) == pytest.approx([agreement], nan_ok=True)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=10))
def test_agreement_is_that_of_counting_all_pairs(votes: list[str]) -> None:
    pairs = list(itertools.combinations(votes, 2))
    expected = sum(one == other for one, other in pairs) / len(pairs) if pairs else 1
    labels = resolve_labels(list_votes(votes), category_params(["a", "b", "c"]))
    assert labels.agreement.tolist() == [pytest.approx(expected)]
    assert labels.probs.sum() == pytest.approx(1)
    assert labels.means is None


def test_the_columns_hold_under_a_table_of_many_chunks() -> None:
    parts = [make_examples([{"votes": ["4"]}]), make_examples([{"votes": []}, {"votes": ["0"]}])]
    examples = pa.concat_tables(parts)
    labels = resolve_labels(examples.column("votes").combine_chunks(), scale_params())
    table = add_labels(examples, labels, scale_params().classes)
    assert table.column("label").to_pylist() == ["positive", None, "neutral"]
