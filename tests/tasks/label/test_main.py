"""The stage as a command: params in, files out, the same bytes each time."""

import json
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from tasks.label.raters import RATERS
from tasks.label_set import read_label_set
from tasks.records import CLEANED, LABELLED, read_table, write_table
from tests.tasks.label.examples import (
    ODD_CLASSES,
    SHIPPED,
    corrected,
    make_examples,
    shipped_section,
)

ROWS = [
    {"votes": ["3", "4"], "source": "web"},
    {"votes": ["-3", "3"], "source": "web"},
    {"votes": ["-3"], "source": "mail"},
    {"votes": [], "source": "mail"},
]


def run_label(folder: Path, rows: list[dict[str, object]], **changes: object) -> tuple[int, str]:
    params = {"label": shipped_section("label") | changes}
    (folder / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    write_table(folder / "in.parquet", make_examples(rows), CLEANED)
    return run_again(folder)


def run_again(folder: Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "tasks.label", "in.parquet", "data/label"],
        cwd=folder,
        env={"PYTHONPATH": str(SHIPPED.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_command_writes_every_output_and_the_metrics(tmp_path: Path) -> None:
    code, log = run_label(tmp_path, ROWS)
    out = tmp_path / "data" / "label"
    assert code == 0, log
    assert "4 examples: 1 negative, 1 neutral, 1 positive, 1 unlabelled" in log
    assert sorted(path.name for path in out.iterdir()) == [
        "examples.parquet",
        "label_set.json",
        "metrics.json",
        "raters.parquet",
        "weighed.parquet",
    ]
    labelled = read_table(out / "examples.parquet", LABELLED)
    assert labelled.column("label").to_pylist() == ["positive", "neutral", "negative", None]
    assert read_label_set(out / "label_set.json").classes == ("negative", "neutral", "positive")
    assert read_table(out / "raters.parquet", RATERS).num_rows == 0
    metrics = json.loads((out / "metrics.json").read_text())["label"]
    assert {key: metrics[key] for key in ("rows_in", "rows_out", "rejected", "unlabelled")} == {
        "rows_in": 4,
        "rows_out": 4,
        "rejected": 0,
        "unlabelled": 1,
    }
    assert metrics["num_labels"] == {"negative": 1, "neutral": 1, "positive": 1}
    assert metrics["label_shares"]["web/positive"] == 0.5
    assert list(metrics["alpha"]) == ["web"]  # mail has a single vote per row at most
    assert metrics["mean_agreement"] == pytest.approx(2 / 3)


def test_two_runs_give_the_same_bytes(tmp_path: Path) -> None:
    assert run_label(tmp_path, ROWS)[0] == 0
    out = tmp_path / "data" / "label"
    first = {path.name: path.read_bytes() for path in out.iterdir()}
    assert run_again(tmp_path)[0] == 0
    assert {path.name: path.read_bytes() for path in out.iterdir()} == first


def test_class_names_that_look_like_something_else_survive_as_text(tmp_path: Path) -> None:
    rows = [{"votes": [name]} for name in ODD_CLASSES]
    code, log = run_label(tmp_path, rows, classes=ODD_CLASSES, votes={"rule": "majority"})
    out = tmp_path / "data" / "label"
    assert code == 0, log
    assert pq.read_table(out / "examples.parquet").column("label").to_pylist() == ODD_CLASSES
    assert list(read_label_set(out / "label_set.json").classes) == ODD_CLASSES
    metrics = json.loads((out / "metrics.json").read_text())["label"]
    assert metrics["num_labels"] == dict.fromkeys(ODD_CLASSES, 1)


def test_corrections_of_nothing_but_classes_that_are_no_more_teach_nothing(tmp_path: Path) -> None:
    rows = [{"votes": ["a"]}, corrected("old", {"ann": "gone", "bob": "gone"})]
    code, log = run_label(tmp_path, rows, classes=["a", "b"], votes={"rule": "majority"})
    assert code == 0, log
    out = tmp_path / "data" / "label"
    labelled = read_table(out / "examples.parquet", LABELLED)
    assert labelled.column("label").to_pylist() == ["a", None]
    assert labelled.column("votes").to_pylist() == [["a"], []]


def test_no_rows_at_all_are_a_valid_table(tmp_path: Path) -> None:
    code, log = run_label(tmp_path, [])
    assert code == 0, log
    assert read_table(tmp_path / "data" / "label" / "examples.parquet", LABELLED).num_rows == 0


def test_a_wrong_params_file_ends_in_one_line_and_leaves_earlier_outputs(tmp_path: Path) -> None:
    assert run_label(tmp_path, ROWS)[0] == 0
    before = (tmp_path / "data" / "label" / "examples.parquet").read_bytes()
    code, log = run_label(tmp_path, ROWS, classes=["a", "b"])
    assert code == 1
    assert log.strip().splitlines()[-1].startswith("label failed: params.yaml: label = ")
    assert "2 classes need 1 ascending thresholds, found [-0.5, 0.5]" in log
    assert (tmp_path / "data" / "label" / "examples.parquet").read_bytes() == before


def test_a_missing_input_names_the_file_and_leaves_nothing(tmp_path: Path) -> None:
    run_label(tmp_path, ROWS)
    (tmp_path / "in.parquet").unlink()
    before = (tmp_path / "data" / "label" / "examples.parquet").read_bytes()
    code, log = run_again(tmp_path)
    assert code == 1
    assert "label failed: in.parquet: no Parquet file there." in log
    assert (tmp_path / "data" / "label" / "examples.parquet").read_bytes() == before
