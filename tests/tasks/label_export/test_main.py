"""The stage as a command."""

import json
import subprocess
import sys
from pathlib import Path

import yaml

from tasks.label_set import LabelSet, write_label_set
from tasks.records import LABELLED, write_table
from tests.tasks.label.examples import ODD_CLASSES, SHIPPED, make_labelled, shipped_section

ROWS = [
    {"agreement": 0.9},
    {"agreement": 0.3, "text": "NA", "source": "mail"},
    {"text": "zwei Wörter"},
]


def run_export(folder: Path, **changes: object) -> tuple[int, str]:
    params = {"label_export": shipped_section("label_export") | changes}
    (folder / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    paths = ["examples.parquet", "label_set.json", "data/label_export"]
    done = subprocess.run(
        [sys.executable, "-m", "tasks.label_export", *paths],
        cwd=folder,
        env={"PYTHONPATH": str(SHIPPED.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def write_inputs(folder: Path, rows: list[dict[str, object]]) -> None:
    write_table(folder / "examples.parquet", make_labelled(rows), LABELLED)
    label_set = LabelSet(classes=tuple(ODD_CLASSES), ordered=False)
    write_label_set(folder / "label_set.json", label_set)


def test_the_command_writes_the_queue_the_interface_and_the_metrics(tmp_path: Path) -> None:
    write_inputs(tmp_path, ROWS)
    code, log = run_export(tmp_path)
    out = tmp_path / "data" / "label_export"
    assert code == 0, log
    assert "2 tasks of 3 rows: 1 unlabelled, 1 with low agreement" in log
    names = sorted(path.name for path in out.iterdir())
    assert names == ["interface.xml", "metrics.json", "tasks.json"]
    tasks = json.loads((out / "tasks.json").read_text(encoding="utf-8"))
    assert [task["data"]["text"] for task in tasks] == ["zwei Wörter", "NA"]
    assert all(f'value="{name}"' in (out / "interface.xml").read_text() for name in ODD_CLASSES)
    assert json.loads((out / "metrics.json").read_text())["label_export"] == {
        "rows_in": 3,
        "rows_out": 2,
        "rejected": 0,
        "candidates": 2,
        "unlabelled": 1,
        "low_agreement": 1,
        "tasks_per_source": {"mail": 1, "web": 1},
    }
    first = {path.name: path.read_bytes() for path in out.iterdir()}
    assert run_export(tmp_path)[0] == 0
    assert {path.name: path.read_bytes() for path in out.iterdir()} == first


def test_nothing_to_ask_is_an_empty_list_and_no_failure(tmp_path: Path) -> None:
    write_inputs(tmp_path, [{"agreement": 1.0}])
    code, log = run_export(tmp_path)
    assert code == 0, log
    assert json.loads((tmp_path / "data" / "label_export" / "tasks.json").read_text()) == []


def test_a_missing_label_set_stops_the_stage_and_leaves_earlier_outputs(tmp_path: Path) -> None:
    write_inputs(tmp_path, ROWS)
    assert run_export(tmp_path)[0] == 0
    before = (tmp_path / "data" / "label_export" / "tasks.json").read_bytes()
    (tmp_path / "label_set.json").unlink()
    code, log = run_export(tmp_path)
    assert code == 1
    assert "label_export failed: label_set.json: no such file. Run the stage `label`" in log
    assert (tmp_path / "data" / "label_export" / "tasks.json").read_bytes() == before


def test_a_misspelt_params_key_is_named(tmp_path: Path) -> None:
    write_inputs(tmp_path, ROWS)
    code, log = run_export(tmp_path, bugdet=5)
    assert code == 1
    assert "label_export.bugdet is not a known key (misspelt?)" in log
