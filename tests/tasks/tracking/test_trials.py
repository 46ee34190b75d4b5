"""Trainings side by side that write to the same trackers."""

import contextlib
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.project import REPOSITORY

pytestmark = pytest.mark.slow
TRIAL = """
import sys
from pathlib import Path
from tasks.params import load_params
from tasks.tracking.context import describe_run
from tasks.tracking.params import TrackingParams
from tasks.tracking.trackers import open_trackers
changes = {"loggers": ["mlflow"], "run_name": sys.argv[2], "closing_seconds": 60.0}
params = load_params("tracking", TrackingParams).model_copy(update=changes)
with open_trackers(params, describe_run(params, [], "t"), Path(sys.argv[1]), {}) as (tracker,):
    tracker.log_metrics({"loss": 1.0}, 1)
"""


def test_trials_that_begin_together_share_one_database(tmp_path: Path) -> None:
    command = [sys.executable, "-c", TRIAL, str(tmp_path)]
    trials = [
        subprocess.Popen([*command, f"trial-{number}"], cwd=REPOSITORY, stderr=subprocess.PIPE)
        for number in range(2)
    ]
    said = b"".join(trial.communicate()[1] for trial in trials)
    assert b"is off from here on" not in said, said
    with contextlib.closing(sqlite3.connect(tmp_path / "mlflow/mlflow.db")) as connection:
        runs = connection.execute("SELECT name, status FROM runs ORDER BY name").fetchall()
    assert runs == [("trial-0", "FINISHED"), ("trial-1", "FINISHED")]
