"""Texts that are more than one Arrow array can hold, which ends at 2 GiB."""

import pyarrow as pa
import pytest

from tasks.clean.duplicates import find_conflicts, find_copies, merge

pytestmark = pytest.mark.slow
NUM_CHUNKS, ROWS = 22, 100


def test_copies_are_found_and_merged_in_more_text_than_an_array_holds():
    """One array in memory, 22 times in the column: a text of its own, and the same one 99 times."""
    some = pa.array(["x" * (1 << 20), *("y" * (1 << 20) for _ in range(ROWS - 1))], pa.string())
    number = NUM_CHUNKS * ROWS
    examples = pa.table(
        {
            "example_id": [f"id{row}" for row in range(number)],
            "text": pa.chunked_array([some] * NUM_CHUNKS),
            "votes": [["1"]] * number,
            "raters": pa.nulls(number, pa.list_(pa.string())),
        }
    )
    copies = find_copies(examples["text"])
    merged = merge(examples, copies)
    assert [text[0] for text in merged["text"].to_pylist()] == ["x", "y"]
    assert merged["example_id"].to_pylist() == ["id0", "id1"]
    assert [len(ids) for ids in merged["duplicate_ids"].to_pylist()] == [21, number - 23]
    assert [len(votes) for votes in merged["votes"].to_pylist()] == [22, number - 22]
    few = examples.slice(0, 3)
    assert find_conflicts(few, find_copies(few["text"]), 0.5).num_rows == 0
