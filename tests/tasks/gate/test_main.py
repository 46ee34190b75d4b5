"""The command line: a verdict for every candidate, an error only for what is no candidate."""

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from tasks.artifacts import json_bytes, sha256_of
from tasks.bundle import MANIFEST
from tasks.errors import InputError
from tasks.gate.__main__ import main
from tasks.records import LABELLED, read_table, write_table
from tasks.verdict import Verdict
from tests.tasks.gate.arena import ROOT, write_params
from tests.tasks.gate.breaks import BREAKS, relabel
from tests.tasks.gate.cases import failed_names
from tests.tasks.gate.conftest import Trained
from tests.tiny_bundle import CLASSES

LOOSE = {
    "min_rows": 40, "floors": {"macro_f1": 0.0, "weighted_f1": 0.0}, "allow_dirty": True,
    "calibration": {"max_ece": 1.0, "max_ece_rise": 1.0},
}  # fmt: skip
CHANCE = {"collapse.min_recall", "collapse.min_predicted_share"}  # of a network never trained


class Place:
    """A folder with a bundle to judge, and what it is judged on."""

    def __init__(self, folder: Path, packaged: Path) -> None:
        self.folder = folder
        self.candidate = shutil.copytree(packaged / "package/bundle", folder / "candidate")
        self.champion = shutil.copytree(packaged / "package/bundle", folder / "champion")
        self.test = shutil.copyfile(packaged / "split/test.parquet", folder / "test.parquet")
        self.metrics = folder / "data/validate/metrics.json"
        self.metrics.parent.mkdir(parents=True)
        metrics = {"rules": 22, "rules_failed": 1, "rows_out": 48}
        self.metrics.write_bytes(json_bytes({"validate": metrics}))
        write_params(folder, seed=0, max_epochs=1, **LOOSE)

    def judge(self, *options: str) -> Verdict:
        with contextlib.chdir(self.folder):
            main(["candidate", "test.parquet", str(self.metrics), "gate", *options])
        return Verdict.model_validate_json((self.folder / "gate/verdict.json").read_bytes())


@pytest.fixture
def place(packaged: Path, tmp_path: Path) -> Place:
    return Place(tmp_path, packaged)


@pytest.mark.parametrize("kind", BREAKS)
def test_a_broken_candidate_gets_a_verdict_that_says_what_is_broken(
    place: Place, kind: str
) -> None:
    spoil, condition = BREAKS[kind]
    spoil(place.candidate)
    verdict = place.judge("--champion", "champion")
    assert verdict.decision == "refused"
    (broken,) = [one for one in verdict.failed if one.name == condition]
    assert broken.says
    assert "\n" not in broken.says
    assert verdict.champion == sha256_of(place.champion / MANIFEST)


@pytest.mark.parametrize("kind", [name for name in BREAKS if name != "other classes"])
def test_a_broken_champion_is_told_and_counts_as_none(place: Place, kind: str) -> None:
    BREAKS[kind][0](place.champion)
    verdict = place.judge("--champion", "champion")
    assert failed_names(verdict) <= CHANCE
    (loud,) = [one for one in verdict.conditions if one.name == "unreadable_champion"]
    assert (loud.value, loud.passed) == ("broken", True)
    write_params(place.folder, seed=0, max_epochs=1, **LOOSE, unreadable_champion="keep")
    assert "unreadable_champion" in failed_names(place.judge("--champion", "champion"))


def test_a_champion_of_other_classes_is_not_asked(place: Place) -> None:
    relabel(place.champion)
    verdict = place.judge("--champion", "champion")
    assert {"allow_other_labels", "gain.min_gain"} <= failed_names(verdict)
    assert "unreadable_champion" not in failed_names(verdict)


def test_a_first_deployment_has_no_champion(place: Place) -> None:
    verdict = place.judge()
    assert verdict.champion is None
    assert verdict.candidate == sha256_of(place.candidate / MANIFEST)
    assert verdict.num_rows == 48
    assert failed_names(verdict) <= CHANCE


def test_the_verdict_is_written_beside_whatever_else_lies_there(place: Place) -> None:
    notes = place.folder / "gate/notes.txt"
    notes.parent.mkdir()
    notes.write_text("mine")
    place.judge()
    assert notes.read_text() == "mine"
    assert {file.name for file in notes.parent.iterdir()} == {"notes.txt", "verdict.json"}


def test_few_rows_are_no_decision(place: Place) -> None:
    write_params(place.folder, seed=0, max_epochs=1, **{**LOOSE, "min_rows": 49})
    verdict = place.judge()
    assert verdict.decision == "undecided"
    assert "min_rows" in failed_names(verdict)


@pytest.mark.parametrize(
    "metrics",
    [b"", b"[]", b'{"validate": {}}',
     b'{"validate": {"rules": NaN, "rules_failed": 0, "rows_out": 48}}',
     b'{"validate": {"rules": 0, "rules_failed": 0, "rows_out": 48}}'],
)  # fmt: skip
def test_only_a_data_gate_that_is_surely_green_counts(place: Place, metrics: bytes) -> None:
    assert "data_gate" not in failed_names(place.judge())
    place.metrics.write_bytes(metrics)
    assert "data_gate" in failed_names(place.judge())


def test_data_turned_down_since_then_close_the_gate(place: Place) -> None:
    before = place.judge()
    report = place.folder / "data/validate-failed/report.json"
    report.parent.mkdir()
    report.write_text("{}")
    closed = place.judge()
    assert "data_gate" in failed_names(closed)
    assert closed.question != before.question, "it can be asked again"
    shutil.rmtree(report.parent)
    opened = place.judge()
    assert "data_gate" not in failed_names(opened)
    assert opened.question == before.question
    report.parent.mkdir()
    report.write_text("{}")
    place.metrics.unlink()
    assert "data_gate" in failed_names(place.judge())


def test_an_empty_holdout_is_none_and_one_of_strange_labels_is_refused(place: Place) -> None:
    table = read_table(place.test, LABELLED)
    write_table(place.folder / "holdout.parquet", table.slice(0, 0), LABELLED)
    verdict = place.judge("--champion", "champion", "--holdout", "holdout.parquet")
    assert not [one for one in verdict.conditions if one.where == "feedback"]
    for raters, values in ((["ann"], []), (["ann", "bob"], [0.0])):  # of one person alone: none
        column = pa.array([raters] * len(table), LABELLED.field("raters").type)
        judged = table.set_column(table.column_names.index("raters"), "raters", column)
        write_table(place.folder / "holdout.parquet", judged.cast(LABELLED), LABELLED)
        verdict = place.judge("--champion", "champion", "--holdout", "holdout.parquet")
        assert [one.value for one in verdict.conditions if one.where == "feedback"] == values
    labels = table["label"].to_pylist()
    strange = table.set_column(
        table.column_names.index("label"), LABELLED.field("label"), [["odd", *labels[1:]]]
    )
    write_table(place.folder / "holdout.parquet", strange, LABELLED)
    verdict = place.judge("--holdout", "holdout.parquet")
    assert "labels" in failed_names(verdict)
    assert CLASSES[0] in next(one.says for one in verdict.failed if one.name == "labels")


def test_what_is_no_candidate_is_an_error_and_the_old_verdict_stays(place: Place) -> None:
    place.judge()
    before = (place.folder / "gate/verdict.json").read_bytes()
    place.test.unlink()
    with pytest.raises(InputError, match=r"test\.parquet"):
        place.judge()
    shutil.rmtree(place.candidate)
    with pytest.raises(InputError, match="candidate: no such folder"):
        place.judge()
    assert (place.folder / "gate/verdict.json").read_bytes() == before


@pytest.mark.slow
def test_the_exit_code_is_for_errors_and_the_log_says_what_failed(
    trained: Trained, tmp_path: Path
) -> None:
    arena = trained.arena
    command = [
        sys.executable, "-m", "tasks.gate", trained.champion, arena.test, arena.metrics,
        tmp_path / "gate", "--champion", trained.champion,
    ]  # fmt: skip
    write_params(tmp_path, seed=0, max_epochs=1)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "gate: REFUSED on 1,500 test rows" in done.stdout
    assert "failed: gain.min_gain is 0.0000, expected > 0.015: macro F1 0.9" in done.stdout
    command[3] = tmp_path / "nothing"
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("gate failed: ")
    assert done.stderr.count("\n") == 1
