"""The stage as it is run: from a folder of aggregated tables to four files."""

import hashlib
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tasks import records
from tasks.clean.__main__ import clean, main
from tasks.clean.params import CleanParams
from tasks.errors import InputError, ParamsError
from tasks.params import parse_section
from tests.tasks.clean.examples import PARAMS, aggregated

ROOT = Path(__file__).parents[3]
TWINS = [
    "The battery of this phone lasts two whole days",
    "the battery of this PHONE lasts two whole days!",
    "The battery of this phone lasts two entire days",
    "Nothing but trouble since the first evening",
]


def test_each_kind_of_row_goes_where_it_belongs():
    limits = PARAMS.model_copy(update={"min_characters": 3, "max_characters": 60})
    texts = ["good &amp; cheap", "\u200b ", "ok", "x" * 61, "good & cheap", *TWINS]
    cleaned = clean(aggregated(texts, [["1"], ["1"], ["1"], ["1"], ["-4"], *[["1"]] * 4]), limits)
    assert [(row["rule"], row["origin"]) for row in cleaned.rejected.to_pylist()] == [
        ("empty", "shop.csv:2"),
        ("too_short", "shop.csv:3"),
        ("too_long", "shop.csv:4"),
    ]
    assert cleaned.rejected["reason"][2].as_py() == "61 characters, expected at most 60"
    rows = cleaned.examples.to_pylist()
    assert [row["text"] for row in rows] == ["good & cheap", *TWINS]
    assert [row["group_id"] for row in rows] == ["id00", "id05", "id05", "id05", "id08"]
    assert rows[0]["votes"] == ["1", "-4"]
    assert cleaned.conflicts["example_ids"].to_pylist() == [["id00", "id04"]]
    cleaned.examples.cast(records.CLEANED)


def test_group_names_do_not_depend_on_the_order_of_rows():
    table = aggregated(TWINS * 3)
    for seed in range(5):
        order = random.Random(seed).sample(range(len(table)), len(table))
        rows = clean(table.take(order), PARAMS).examples.to_pylist()
        names = {row["text"]: row["group_id"] for row in rows}
        assert [names[text] for text in TWINS[:3]] == [names[TWINS[0]]] * 3
        members = [row["example_id"] for row in rows if row["text"] in TWINS[:3]]
        assert names[TWINS[0]] == min(members)


def test_a_repeated_id_is_refused_rather_than_pooled_twice():
    table = aggregated(["one", "two"]).set_column(0, "example_id", [["id00", "id00"]])
    with pytest.raises(InputError, match=r"example_id id00 .* occur twice, expected once"):
        clean(table, PARAMS)


def test_the_command_writes_whole_tables_and_the_same_bytes_whatever_threads_and_hash_seed(
    tmp_path,
):
    records.write_table(tmp_path / "in" / "a.parquet", aggregated(TWINS), records.AGGREGATED)
    digests = set()
    for number in ("1", "2"):
        target = tmp_path / f"out{number}"
        subprocess.run(
            [sys.executable, "-m", "tasks.clean", tmp_path / "in", target],
            cwd=ROOT,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": number, "RAYON_NUM_THREADS": number},
        )
        files = sorted(target.iterdir())
        assert [file.name for file in files] == [
            "conflicts.parquet",
            "examples.parquet",
            "metrics.json",
            "rejected.parquet",
        ]
        digests.add(tuple(hashlib.sha256(file.read_bytes()).hexdigest() for file in files))
    assert len(digests) == 1
    metrics = json.loads((target / "metrics.json").read_text())["clean"]
    assert metrics["rows_in"] == metrics["rows_out"] == 4
    assert metrics["near_duplicate_rows"] == 3
    assert pq.read_schema(target / "examples.parquet").names == records.CLEANED.names


def test_a_failing_run_leaves_the_earlier_output_as_it_was(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "examples.parquet").write_text("earlier")
    (tmp_path / "in.parquet").write_text("not parquet")
    with pytest.raises(InputError, match=r"in\.parquet: not readable as Parquet"):
        main(tmp_path / "in.parquet", tmp_path / "out")
    assert (tmp_path / "out" / "examples.parquet").read_text() == "earlier"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"max_characters": 1}, "min_characters 2 must not exceed max_characters 1"),
        ({"min_vote_overlap": 1.5}, "clean.min_vote_overlap = 1.5"),
        ({"min_charcters": 1}, "clean.min_charcters is not a known key"),
        (
            {"near_duplicates": {**PARAMS.near_duplicates.model_dump(), "num_bands": 25}},
            "num_permutations 120 must be a multiple of num_bands 25",
        ),
    ],
)
def test_a_wrong_param_is_named_with_its_value(change, message):
    with pytest.raises(ParamsError, match=message):
        parse_section("clean", {**PARAMS.model_dump(), **change}, CleanParams)


def test_no_examples_at_all_give_empty_tables():
    cleaned = clean(aggregated([]), PARAMS)
    assert cleaned.examples.num_rows == cleaned.rejected.num_rows == cleaned.conflicts.num_rows == 0
