"""A correction stays beside what is known of its text, as its near-duplicate."""

import pyarrow as pa

from tasks.clean.__main__ import clean
from tests.tasks.clean.examples import PARAMS, aggregated


def correct(examples: pa.Table, places: list[int]) -> pa.Table:
    origins = [
        f"feedback:{at}" if at in places else origin
        for at, origin in enumerate(examples["origin"].to_pylist())
    ]
    column = examples.column_names.index("origin")
    return examples.set_column(column, "origin", pa.array(origins))


def test_a_correction_is_no_copy_of_a_known_text_but_one_of_its_group():
    examples = aggregated(["it is fine", "it is  fine", "it is fine"], [["1"], ["2"], ["-4"]])
    cleaned = clean(correct(examples, [2]), PARAMS)
    rows = cleaned.examples.to_pylist()
    assert [row["text"] for row in rows] == ["it is fine"] * 2
    assert [row["votes"] for row in rows] == [["1", "2"], ["-4"]]
    assert len({row["group_id"] for row in rows}) == 1
    assert cleaned.conflicts.num_rows == 1  # of the files alone: 1 and 2
    assert cleaned.conflicts["votes"].to_pylist() == [[["1"], ["2"]]]


def test_without_corrections_equal_texts_are_copies_as_ever():
    examples = aggregated(["it is fine"] * 3, [["1"], ["2"], ["-4"]])
    assert clean(examples, PARAMS).examples["votes"].to_pylist() == [["1", "2", "-4"]]
