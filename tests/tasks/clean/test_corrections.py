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


def test_corrections_between_two_texts_of_files_do_not_make_them_twins():
    first = "the battery of this phone lasts two whole days and it charges within an hour"
    second = "our flight was late again and nobody at the counter could say a word about it"
    words, others = first.split(), second.split()
    between = [
        " ".join([*words, *others[: len(others) // 2]]),
        f"{first} {second}",
        " ".join([*words[len(words) // 2 :], *others]),
    ]
    files = clean(aggregated([first, second]), PARAMS).examples
    both = clean(correct(aggregated([first, second, *between]), [2, 3, 4]), PARAMS)
    kept = both.examples.to_pylist()
    assert [row["group_id"] for row in kept[:2]] == files["group_id"].to_pylist()
    assert kept[0]["group_id"] != kept[1]["group_id"]
    assert [row["rule"] for row in both.rejected.to_pylist()] == ["bridge"] * 3
    assert len(kept) == 2


def test_a_correction_near_one_text_of_a_file_is_of_its_group_and_others_have_their_own():
    first = "the battery of this phone lasts two whole days and it charges within an hour"
    new = "our flight was late again and nobody at the counter could say a word about it"
    texts = [first, f"{first} flat", new, f"{new} today"]
    rows = clean(correct(aggregated(texts), [1, 2, 3]), PARAMS).examples.to_pylist()
    groups = [row["group_id"] for row in rows]
    assert groups[0] == groups[1] == "id00"
    assert groups[2] == groups[3] == "id02"
