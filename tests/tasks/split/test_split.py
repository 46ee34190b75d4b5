"""The stage as it is run."""

import json
from pathlib import Path

import pytest

from tasks import records
from tasks.errors import GateError, ParamsError
from tasks.params import parse_section
from tasks.split.__main__ import EXCLUDED, main, split
from tasks.split.assignment import PARTS, draw
from tasks.split.params import SplitParams
from tests.tasks.split.examples import PARAMS, labelled, ordinary

ROOT = Path(__file__).parents[3]


def test_every_row_is_in_one_file_and_the_counts_add_up(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    rows = [*ordinary(), ("no votes yet", "group x", None)]
    test_group = next(group for text, group, _ in rows if draw(text, PARAMS) == "test")
    rows.append(("words to learn from", test_group, "good"))
    assert draw("words to learn from", PARAMS) == "train"
    records.write_table(tmp_path / "in.parquet", labelled(rows), records.LABELLED)
    main(tmp_path / "in.parquet", tmp_path / "out")
    tables = {
        part: records.read_table(tmp_path / "out" / f"{part}.parquet", records.LABELLED)
        for part in PARTS
    }
    excluded = records.read_table(tmp_path / "out" / "excluded.parquet", EXCLUDED)
    reasons = dict(zip(excluded["text"].to_pylist(), excluded["reason"].to_pylist(), strict=True))
    assert reasons == {"no votes yet": "unlabelled", "words to learn from": "twin_of_test"}
    ids = [own for table in tables.values() for own in table["example_id"].to_pylist()]
    assert len(set(ids)) == len(ids) == len(rows) - 2
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())["split"]
    assert metrics["rows_in"] == metrics["rows_out"] + metrics["rejected"] == len(rows)
    assert metrics["excluded"] == {"twin_of_test": 1, "unlabelled": 1}
    assert metrics["test"] == sum(metrics["test_by_label"].values()) == tables["test"].num_rows


def test_labels_that_look_like_missing_values_or_numbers_stay_text():
    names = ["NA", "None", "null", "1e5", "True"]
    rows = [(f"text {at}", f"group {at}", names[at % 5]) for at in range(400)]
    parts, _ = split(labelled(rows), PARAMS)
    assert all(set(parts[part]["label"].to_pylist()) == set(names) for part in ("train", "test"))


@pytest.mark.parametrize(
    "rows", [[], ordinary(3), [(text, group, None) for text, group, _ in ordinary()]]
)
def test_too_few_labelled_examples_are_a_clear_error(rows):
    with pytest.raises(GateError, match="is empty, expected an example or more"):
        split(labelled(rows), PARAMS)


def test_shares_that_leave_nothing_to_train_on_are_refused():
    wrong = {**PARAMS.model_dump(), "test_fraction": 0.95}
    with pytest.raises(ParamsError, match=r"test_fraction 0\.95 and validation_fraction 0\.05"):
        parse_section("split", wrong, SplitParams)
