"""Another task, end to end through DVC: other labels, a plain CSV, a mix of languages."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.project import TOPICS, environment, make_project, run, try_run, write_params

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
REPRODUCE = ["python", "-m", "flows.reproduce"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_project(tmp_path_factory.mktemp("own") / "checkout")
    result = run(folder, REPRODUCE)
    (folder / "first-run.log").write_text(result.stdout)
    return folder


def test_labels_that_look_like_missing_values_survive_to_the_bundle(project: Path) -> None:
    labels = pq.read_table(project / "data/label/examples.parquet")["label"].to_pylist()
    assert set(labels) == set(TOPICS)
    bundle = json.loads((project / "models/package/bundle/label_set.json").read_text())
    assert bundle["classes"] == list(TOPICS)


def test_every_row_of_the_file_is_accounted_for(project: Path) -> None:
    metrics = json.loads((project / "data/split/metrics.json").read_text())["split"]
    assert metrics["rows_in"] == 400
    kept = [
        pq.read_table(project / f"data/split/{name}.parquet").num_rows
        for name in ("train", "validation", "test", "excluded")
    ]
    assert sum(kept) == 400


def test_it_ends_with_a_table_and_the_places_to_look(project: Path) -> None:
    log = (project / "first-run.log").read_text()
    for text in ("Stages", "Candidate on the test split", "candidate", "macro F1", "10 of 10",
                 "models/package/bundle", "data/evaluate/model_card.html"):  # fmt: skip
        assert text in log


def test_a_second_run_does_nothing_and_says_so(project: Path) -> None:
    before = (project / "dvc.lock").read_bytes()
    assert "Nothing to do" in run(project, REPRODUCE).stdout
    assert (project / "dvc.lock").read_bytes() == before


def test_a_second_clone_pulls_and_has_nothing_to_run(project: Path) -> None:
    run(project, ["git", "add", "-A"])
    run(project, ["git", "commit", "-qm", "first turn"])
    run(project, ["dvc", "push", "-q"])
    clone = project.parent / "clone"
    run(project, ["git", "clone", "-q", str(project), str(clone)])
    run(clone, ["dvc", "pull", "-q"])
    lock = (clone / "dvc.lock").read_bytes()
    assert "Nothing to do" in run(clone, REPRODUCE).stdout
    assert (clone / "dvc.lock").read_bytes() == lock
    assert "macro_f1" in run(clone, ["dvc", "metrics", "show"]).stdout
    run(clone, ["dvc", "plots", "show"])
    page = (clone / "dvc_plots/index.html").read_text()
    assert "confusion" in page
    assert "history" in page


def test_a_stage_that_fails_is_named_last_and_its_earlier_outputs_come_back(project: Path) -> None:
    file = project / "data/raw/tickets.csv"
    good = file.read_bytes()
    before = (project / "data/aggregate/metrics.json").read_bytes()
    file.unlink()
    file.write_bytes(good.replace(b",", b"|"))
    result = try_run(project, REPRODUCE)
    file.write_bytes(good)
    assert result.returncode != 0
    stage, why, then = result.stdout.splitlines()[-3:]
    assert "aggregate" in stage
    assert "earlier outputs are back" in stage
    assert "tickets.csv" in why
    assert "make run" in then
    assert (project / "data/aggregate/metrics.json").read_bytes() == before


def test_ctrl_c_ends_in_order_and_names_the_stage(project: Path) -> None:
    write_params(project, seed=1, max_epochs=50, checkpoint_seconds=0.01, log_every_batches=1)
    with subprocess.Popen(
        REPRODUCE, cwd=project, env=environment(), text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert next(line for line in process.stdout if "epoch 2 of" in line)
        os.killpg(process.pid, signal.SIGINT)
        output = process.stdout.read()
    write_params(project)
    assert process.returncode != 0
    stage, why, then = output.splitlines()[-3:]
    assert "train" in stage
    assert "interrupted; nothing half-written was kept" in why
    assert "make run" in then
    assert not list(project.glob("models/.train.new"))
