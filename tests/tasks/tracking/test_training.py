"""Trainings with trackers that work, and with trackers that do not, as people run them."""

import contextlib
import csv
import json
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tasks.provenance import FlowRun
from tests.tasks.tracking.wandb_server import WandbServer, unreachable, wandb_server
from tests.tasks.train.workspace import start, train_apart, write_workspace

pytestmark = pytest.mark.slow
ALL = ["wandb", "tensorboard", "mlflow"]
FLOW_RUN = FlowRun("blue otter", "http://127.0.0.1:4200/flow-runs/flow-run/1", "blue-otter")
STEPS = [*range(2, 26, 2)]  # of three epochs of eight steps, every second one logged


class Tracked(NamedTuple):
    folder: Path
    output: str
    server: WandbServer


def recorded(folder: Path) -> list[dict[str, str]]:
    (file,) = (folder / ".run/tracking/steps").iterdir()
    return [*csv.DictReader(file.read_text().splitlines())]


def recorded_steps(folder: Path) -> list[int]:
    return [int(row["step"]) for row in recorded(folder)]


def offline_runs(folder: Path) -> list[Path]:
    return sorted((folder / ".run/tracking/wandb").glob("offline-run-*"))


def sent_steps(server: WandbServer) -> list[int]:
    return [row["trainer/global_step"] for row in server.history if "train/loss" in row]


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tracked]:
    """One training that a flow has started, its trackers all on and W&B's server there."""
    folder = write_workspace(
        tmp_path_factory.mktemp("tracked"), loggers=ALL, group="study 1", upload_share=100.0
    )
    with wandb_server() as server:
        status, output = train_apart(folder, **FLOW_RUN.as_environment(), **server.variables)
        assert status == 0, output
        yield Tracked(folder, output, server)


def test_our_own_record_has_every_logged_step(tracked: Tracked) -> None:
    rows = recorded(tracked.folder)
    assert [int(row["step"]) for row in rows] == STEPS
    assert [int(row["epoch"]) for row in rows] == [1] * 4 + [2] * 4 + [3] * 4
    assert all(float(value) >= 0 for row in rows for value in row.values())


def check_context(told: dict[str, Any], folder: Path) -> None:
    """`told` is what a tracker shows of the run, its name apart."""
    (record,) = (folder / ".run/tracking/steps").iterdir()
    assert told["experiment"] == FLOW_RUN.experiment
    assert told["prefect_run"] == FLOW_RUN.run_url
    assert told["training"] == record.stem
    assert told["group"] == "study 1"
    assert len(told["data_version"]) == 12
    assert "git_commit" in told


def test_wandb_is_sent_the_run_while_it_lasts(tracked: Tracked) -> None:
    assert "W&B" not in tracked.output
    ((_, run),) = tracked.server.runs.items()
    assert (run["displayName"], run["groupName"]) == ("blue otter", "study 1")
    assert run["project"] == "flywheel"
    assert sent_steps(tracked.server) == STEPS
    config = {key: item["value"] for key, item in json.loads(run["config"]).items()}
    check_context(config, tracked.folder)
    assert config["learning"]["batch_size"] == 8


def test_mlflow_has_the_run(tracked: Tracked) -> None:
    database = tracked.folder / ".run/tracking/mlflow/mlflow.db"
    with contextlib.closing(sqlite3.connect(database)) as connection:
        params = dict(connection.execute("SELECT key, value FROM params"))
        ((name, status),) = connection.execute("SELECT name, status FROM runs")
        series = connection.execute("SELECT step FROM metrics WHERE key = 'train/loss'").fetchall()
        scores = connection.execute("SELECT step FROM metrics WHERE key = 'validation/macro_f1'")
        assert [step for (step,) in scores] == [8, 16, 24]
    assert (name, status) == ("blue otter", "FINISHED")
    assert [step for (step,) in series] == STEPS
    assert params["learning/batch_size"] == "8"
    check_context(params, tracked.folder)


def test_tensorboard_has_the_run(tracked: Tracked) -> None:
    run = tracked.folder / ".run/tracking/tensorboard/study-1/blue-otter/version_0"
    assert list(run.glob("events.out.tfevents.*"))
    params = yaml.safe_load((run / "hparams.yaml").read_text())
    assert (params["run_name"], params["learning"]["batch_size"]) == ("blue otter", 8)
    check_context(params, tracked.folder)


@pytest.mark.parametrize("kind", ["closed", "black hole"])
def test_a_server_that_cannot_be_reached_costs_a_warning(tmp_path: Path, kind: str) -> None:
    folder = write_workspace(tmp_path, loggers=["wandb"])
    with unreachable(kind) as variables:
        status, output = train_apart(folder, **variables)
    assert status == 0, output
    assert (folder / "models/train/history.csv").exists()
    assert recorded_steps(folder) == STEPS
    (run,) = offline_runs(folder)
    assert f"to send it later: wandb sync {run}" in output
    with wandb_server() as server:
        command = [sys.executable, "-m", "wandb", "sync", str(run)]
        subprocess.run(command, env={"HOME": str(tmp_path), **server.variables}, check=True)
    assert sent_steps(server) == STEPS


def test_trackers_that_cannot_write_cost_a_warning_each(tmp_path: Path) -> None:
    folder = write_workspace(tmp_path, loggers=ALL, closing_seconds=60.0)
    tracking = folder / ".run/tracking"
    (tracking / "mlflow").mkdir(parents=True)
    for name in ("wandb", "tensorboard"):
        (tracking / name).write_text("in the way")
    with contextlib.closing(sqlite3.connect(tracking / "mlflow/mlflow.db")) as other:
        other.execute("BEGIN EXCLUSIVE")
        status, output = train_apart(folder)
    assert status == 0, output
    for name in ALL:
        assert output.count(f"tracker {name} is off from here on, training is not: ") == 1, output
    assert recorded_steps(folder) == STEPS


def test_our_own_record_survives_a_kill_whatever_the_trackers_lose(tmp_path: Path) -> None:
    folder = write_workspace(tmp_path, loggers=ALL)
    with start(folder) as process:
        assert process.stdout is not None
        assert next(line for line in process.stdout if "epoch 2 of 3, batch 4 of" in line)
        process.kill()
    assert recorded_steps(folder)[:6] == STEPS[:6]
    status, output = train_apart(folder)
    assert status == 0, output
    assert "resuming from" in output
    assert recorded_steps(folder) == STEPS
    assert len(offline_runs(folder)) == 2


def test_tensorboard_shows_it(tracked: Tracked) -> None:
    command = ["tensorboard", "--logdir", ".run/tracking/tensorboard", "--host", "127.0.0.1"]
    with subprocess.Popen(
        [sys.executable, "-m", "tensorboard.main", *command[1:], "--port", "0"],
        cwd=tracked.folder, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            assert process.stderr is not None
            said = next(line for line in process.stderr if "http://" in line)
            address = said.split("at ")[1].split()[0]
            query = "run=study-1/blue-otter/version_0&tag=train/loss"
            with urllib.request.urlopen(f"{address}data/plugin/scalars/scalars?{query}") as answer:
                series = json.load(answer)
        finally:
            process.kill()
    assert [step for _, step, _ in series] == STEPS
