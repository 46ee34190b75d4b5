"""Trials that really train, in this process, and what a finished sweep leaves."""

import contextlib
import json
from pathlib import Path

import optuna
import pytest
import yaml
from optuna.trial import TrialState

from tasks.errors import GateError, InputError, TemporaryError
from tasks.sweep.finish import main as finish
from tests.tasks.sweep.workspace import (
    STUDY,
    begin_here,
    read_trials,
    run_trials_here,
    write_sweep,
)
from tests.tasks.train.workspace import train, write_params

pytestmark = pytest.mark.slow
NUM_TRIALS = 5


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep run to its end, once for all tests."""
    folder = tmp_path_factory.mktemp("sweep") / "here"
    write_sweep(folder, train={"loggers": ["wandb"]}, num_trials=NUM_TRIALS)
    begin_here(folder)
    run_trials_here(folder, NUM_TRIALS + 1)  # the last finds none left
    with contextlib.chdir(folder):
        finish(STUDY)
    return folder


def test_each_trial_is_pruned_at_a_rung_or_trained_to_the_end(finished: Path) -> None:
    trials = read_trials(finished)
    assert len(trials) == NUM_TRIALS
    lengths = {TrialState.PRUNED: {1, 2}, TrialState.COMPLETE: {4}}
    for trial in trials:
        assert list(trial.intermediate_values) == [*range(1, len(trial.intermediate_values) + 1)]
        assert len(trial.intermediate_values) in lengths[trial.state]
    assert {trial.state for trial in trials} == {TrialState.PRUNED, TrialState.COMPLETE}


def test_metrics_and_params_of_each_trial_lie_in_its_folder(finished: Path) -> None:
    for trial in read_trials(finished):
        place = finished / STUDY / "trials" / f"{trial.number:04d}"
        metrics = json.loads((place / "metrics.json").read_text())
        scores = trial.intermediate_values
        assert metrics == {
            "state": trial.state.name.lower(), "epochs": len(scores),
            "macro_f1": max(scores.values()),
        }  # fmt: skip
        params = json.loads((place / "params.json").read_text())["train"]
        rate = trial.params["train.learning.learning_rate"]
        assert params["learning"]["learning_rate"] == rate
        assert params["learning"]["max_epochs"] == 4
        assert {file.name for file in place.iterdir()} <= {"metrics.json", "params.json", ".lock"}


def test_all_trials_are_one_group_at_the_tracker(finished: Path) -> None:
    files = list((finished / ".run/tracking/wandb").glob("offline-run-*/*.wandb"))
    assert len(files) == NUM_TRIALS
    study = json.loads((finished / STUDY / "study.json").read_text())
    contents = [file.read_bytes() for file in files]
    assert all(f"first-{study['fingerprint']}".encode() in content for content in contents)
    for number in range(NUM_TRIALS):
        assert sum(f"first-{number:04d}".encode() in content for content in contents) == 1
        assert (finished / f".run/tracking/steps/first-{number:04d}.csv").is_file()


def test_the_winner_trained_by_the_stage_has_the_score_it_won_with(finished: Path) -> None:
    summary = json.loads((finished / STUDY / "summary.json").read_text())
    best = max(
        (one for one in summary["outcomes"] if one["state"] == "complete"),
        key=lambda one: one["macro_f1"],
    )
    patch = yaml.safe_load((finished / STUDY / "winner.yaml").read_text())
    pairs = [line.split("=") for line in patch]
    values = {key.split(".")[-1]: yaml.safe_load(value) for key, value in pairs}
    write_params(finished, patience_epochs=9, **values)
    train(finished)
    metrics = json.loads((finished / "models/train/metrics.json").read_text())["train"]
    assert metrics["validation_macro_f1"] == best["macro_f1"]


def test_both_pictures_are_there(finished: Path) -> None:
    for name in ("parallel_coordinates.png", "importances.png"):
        assert (finished / STUDY / name).read_bytes().startswith(b"\x89PNG")


def test_a_trial_whose_loss_is_not_finite_has_diverged_and_the_others_go_on(
    tmp_path: Path,
) -> None:
    rate = {"train.learning.learning_rate": {"kind": "choice", "choices": [1e30]}}
    folder = write_sweep(tmp_path / "here", num_trials=2, space=rate)
    begin_here(folder)
    with contextlib.chdir(folder), pytest.raises(TemporaryError, match="2 of 2 trials have not"):
        finish(STUDY)
    run_trials_here(folder, 2)
    assert [trial.state for trial in read_trials(folder)] == [TrialState.FAIL] * 2
    with (
        contextlib.chdir(folder),
        pytest.raises(GateError, match="no trial was trained to its end"),
    ):
        finish(STUDY)
    assert not (folder / STUDY / "winner.yaml").exists()


def test_a_trial_that_cannot_train_stays_to_be_run(tmp_path: Path) -> None:
    folder = write_sweep(tmp_path / "here", num_trials=1)
    begin_here(folder)
    split, aside = folder / "train.parquet", folder / "aside"
    split.rename(aside)
    with pytest.raises(InputError, match=r"train\.parquet: no Parquet file there"):
        run_trials_here(folder, 1)
    aside.rename(split)
    run_trials_here(folder, 1)
    (trial,) = read_trials(folder)
    assert trial.state == optuna.trial.TrialState.COMPLETE
