"""Exact duplicates: what is kept, pooled and reported."""

from collections import Counter

import pytest

from tasks.clean.duplicates import find_conflicts, find_copies, least_overlap, merge
from tests.tasks.clean.examples import aggregated


def merged(table):
    return merge(table, find_copies(table["text"])).to_pylist()


def test_the_first_copy_is_kept_with_the_votes_and_ids_of_all():
    rows = merged(aggregated(["b", "a", "b", "c", "b"], [["1"], ["2"], ["3", "4"], [], ["5"]]))
    assert [row["text"] for row in rows] == ["b", "a", "c"]
    assert [row["example_id"] for row in rows] == ["id00", "id01", "id03"]
    assert [row["votes"] for row in rows] == [["1", "3", "4", "5"], ["2"], []]
    assert [row["duplicate_ids"] for row in rows] == [["id02", "id04"], [], []]
    assert [row["raters"] for row in rows] == [None, None, None]


def test_raters_stay_beside_their_votes_when_some_copies_do_not_know_them():
    rows = merged(
        aggregated(
            ["a", "b", "a", "c"],
            [["1"], ["2"], ["3", "4"], ["5"]],
            [None, ["r1"], ["r2", "r3"], None],
        )
    )
    assert [row["votes"] for row in rows] == [["1", "3", "4"], ["2"], ["5"]]
    assert [row["raters"] for row in rows] == [[None, "r2", "r3"], ["r1"], None]


def test_a_row_with_another_number_of_raters_than_votes_keeps_them_for_validate_to_find():
    rows = merged(aggregated(["a", "b"], [["1", "2"], ["3"]], [["r1"], ["r2"]]))
    assert [row["raters"] for row in rows] == [["r1"], ["r2"]]


def test_no_rows_give_no_rows():
    assert merged(aggregated([])) == []


@pytest.mark.parametrize(
    ("copies", "expected"),
    [
        ([["1", "1"], ["1"]], 1.0),
        ([["1"], ["2"]], 0.0),
        ([["1", "2"], ["1", "1"]], 0.5),
        ([["pos"], ["pos"], ["neg"]], 0.0),
        ([["1"]], 1.0),
        ([], 1.0),
    ],
)
def test_overlap_is_the_share_of_votes_in_common(copies, expected):
    assert least_overlap([Counter(copy) for copy in copies]) == expected


def test_only_copies_that_disagree_are_reported_with_ids_and_votes():
    table = aggregated(
        ["same", "other", "same", "calm", "calm", "new", "new"],
        [["1", "1"], ["1"], ["-4"], ["2"], ["2", "2"], ["1"], []],
    )
    found = find_conflicts(table, find_copies(table["text"]), min_overlap=0.5).to_pylist()
    assert found == [
        {
            "text": "same",
            "example_ids": ["id00", "id02"],
            "votes": [["1", "1"], ["-4"]],
            "overlap": 0.0,
        }
    ]
