"""What a training is called and comes from."""

import subprocess
from pathlib import Path

import pytest

from tasks.params import load_params
from tasks.provenance import FlowRun
from tasks.tracking.context import describe_run, version_of
from tasks.tracking.params import TrackingParams
from tasks.tracking.trackers import wandb_mode
from tests.project import REPOSITORY

FLOW_RUN = FlowRun("blue-otter", "http://127.0.0.1:4200/flow-runs/flow-run/1", "blue-otter-exp")
PARAMS = load_params("tracking", TrackingParams, REPOSITORY / "params.yaml")


def told(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name in (*FLOW_RUN.as_environment(), "DVC_EXP_NAME", "WANDB_MODE", "WANDB_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def test_a_flow_tells_its_stages_who_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    told(monkeypatch, FLOW_RUN.as_environment())
    context = describe_run(PARAMS, [], "t")
    assert (context.run_name, context.prefect_run, context.experiment) == FLOW_RUN


def test_params_name_a_trial_and_its_study(monkeypatch: pytest.MonkeyPatch) -> None:
    told(monkeypatch, FLOW_RUN.as_environment())
    trial = PARAMS.model_copy(update={"run_name": "trial-7", "group": "study"})
    context = describe_run(trial, [], "t")
    assert (context.run_name, context.group) == ("trial-7", "study")


def test_without_a_flow_a_run_is_called_by_commit_and_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told(monkeypatch, {"DVC_EXP_NAME": "puffy-moth"})
    monkeypatch.chdir(tmp_path)
    outside = describe_run(PARAMS, [], "t")
    assert outside.run_name.startswith("training-2")
    assert (outside.git_commit, outside.prefect_run) == ("", "")
    assert outside.experiment == "puffy-moth"
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "a"], check=True)
    inside = describe_run(PARAMS, [], "t")
    assert len(inside.git_commit) == 40
    assert inside.run_name.startswith(f"{inside.git_commit[:12]}-2")


def test_the_version_of_data_is_that_of_their_bytes(tmp_path: Path) -> None:
    files = [tmp_path / "train", tmp_path / "validation"]
    for file in files:
        file.write_text(file.name)
    before = version_of(files)
    assert version_of(files) == before
    assert version_of(files[::-1]) != before
    files[1].write_text("other")
    assert version_of(files) != before


@pytest.mark.parametrize(
    ("variables", "mode"),
    [
        ({}, "offline"),
        ({"WANDB_API_KEY": "key"}, "online"),
        ({"WANDB_API_KEY": "key", "WANDB_MODE": "offline"}, "offline"),
        ({"WANDB_API_KEY": "key", "WANDB_MODE": "disabled"}, "disabled"),
        ({"WANDB_MODE": "online"}, "online"),
    ],
)
def test_wandb_is_online_where_an_account_is_named(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], mode: str
) -> None:
    told(monkeypatch, variables)
    assert wandb_mode() == mode
