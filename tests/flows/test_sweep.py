"""A sweep as a flow on a real server: stopped in the middle, gone on with, its winner run."""

import base64
import json
import os
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterName

from flows.checkout.assignments import set_values
from tasks.sweep.summary import read_summary
from tests.project import environment, make_project, run, try_run
from tests.tasks.sweep.workspace import SMALL, change_sweep

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server")]
SWEEP = ["python", "-m", "flows.sweep", "--name", "first"]
STUDY = Path(".run/sweeps/first")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, prefect_server: str) -> Path:
    """A checkout that has its raw data, and none of what the stages make of them."""
    folder = make_project(tmp_path_factory.mktemp("sweep") / "project", num_rows=240)
    change_sweep(folder, **SMALL | {"num_trials": 2}, num_parallel=2)
    return folder


@pytest.fixture(scope="module")
def searched(project: Path) -> str:
    """A sweep interrupted in its first trial, then gone on with, its second trial killed; what it
    said in the end."""
    run(project, ["dvc", "repro", "-q", "split"])
    code, _ = disturb(project, "sweep 0000: epoch 1 of 4", interrupt)
    assert code == 130
    code, said = disturb(project, "sweep 0001: epoch 1 of 4", kill_trial)
    assert code == 0, said
    return said


def disturb(project: Path, line: str, act: Callable[[psutil.Process], None]) -> tuple[int, str]:
    """A sweep to its end, with something done to it when it first says that line."""
    with subprocess.Popen(
        SWEEP, cwd=project, env=environment(), text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        assert process.stdout
        said = ""
        for one in process.stdout:
            is_first = line in one and line not in said
            said += one
            if is_first:
                act(psutil.Process(process.pid))
    return process.returncode, said


def interrupt(sweep: psutil.Process) -> None:
    """Ctrl-C; nothing it has started outlives it."""
    children = sweep.children(recursive=True)
    os.killpg(sweep.pid, signal.SIGINT)
    _, alive = psutil.wait_procs(children, timeout=60)
    assert not alive


def kill_trial(sweep: psutil.Process) -> None:
    trials = [one for one in sweep.children(recursive=True) if "tasks.sweep.trial" in one.cmdline()]
    trials[-1].kill()


def trial_states(run_name: str) -> dict[str, str | None]:
    with get_client(sync_client=True) as client:
        tasks = client.read_task_runs(
            flow_run_filter=FlowRunFilter(name=FlowRunFilterName(any_=[run_name]))
        )
    return {task.name: task.state_name for task in tasks}


def test_a_sweep_on_outdated_data_is_refused_in_one_line(project: Path) -> None:
    result = try_run(project, SWEEP)
    assert result.returncode == 1
    assert "split: not up to date" in result.stdout.splitlines()[-1]


def test_each_trial_is_run_to_one_end_whatever_is_killed(project: Path, searched: str) -> None:
    summary = read_summary(project / STUDY)
    assert [one.number for one in summary.outcomes] == [0, 1]
    assert {one.state for one in summary.outcomes} <= {"complete", "pruned"}
    (name,) = set(re.findall(r"Flow run '([a-z-]+)' - Beginning flow run", searched))
    states = trial_states(name)
    assert set(states) == {"trial-0000", "trial-0001"}
    assert set(states.values()) <= {"Complete", "Pruned"}
    # stage train names a resource, of which there is one
    order = re.findall(r"sweep (\d+): (?:train\.|complete|pruned)", searched)
    assert order == sorted(order)


def test_trials_winner_and_pictures_are_on_the_runs_page(project: Path, searched: str) -> None:
    with get_client(sync_client=True) as client:
        shown: dict[str, Any] = {one.key: one.data for one in client.read_artifacts() if one.key}
    assert len(json.loads(shown["trials"])) == 2
    assert "won with macro F1" in shown["winner"]
    for name in ("parallel_coordinates.png", "importances.png"):
        picture = base64.b64encode((project / STUDY / name).read_bytes()).decode()
        assert f"(data:image/png;base64,{picture})" in shown["winner"]


def test_the_winner_runs_as_any_candidate_and_has_its_score(project: Path, searched: str) -> None:
    params = (project / "params.yaml").read_bytes()
    said = run(project, [*SWEEP, "--run-winner"]).stdout
    assert "tasks.sweep.trial" not in said
    winner = read_summary(project / STUDY).winner
    assert winner
    metrics = json.loads((project / "models/train/metrics.json").read_text())["train"]
    assert metrics["validation_macro_f1"] == winner.macro_f1
    assert (project / "params.yaml").read_bytes() == params
    overrides = yaml.safe_load((project / STUDY / "winner.yaml").read_text())
    assert len(set_values(params, overrides)[1]) == len(overrides)
