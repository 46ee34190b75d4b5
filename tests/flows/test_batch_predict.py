"""Batch scoring as a flow on a real server: what it leaves on its page, and how it fails."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.batch_predict import batch_predict
from tests.flows.test_report import artifacts_of_last_run
from tests.project import REPOSITORY
from tests.serving.live_place import LivePlace
from tests.tiny_bundle import package, write_inputs


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_a_batch_leaves_its_counts_and_a_second_run_finds_it_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = package(write_inputs(tmp_path / "packaged"))
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    monkeypatch.chdir(tmp_path)
    live_place = LivePlace(tmp_path)
    live_place.point(live_place.release("v1.0.0", bundle))
    texts = ["good food", "bad film", "x" * 20_001, "the food"]
    Path("--in.csv").write_text("body\n" + "\n".join(texts))

    for _ in range(2):
        state = batch_predict("--in.csv", "out", "body", return_state=True)
        assert state.is_completed(), state.message
        assert state.message == "v1.0.0 scored 3 of 4 rows"
        table = json.loads(artifacts_of_last_run()["batch-predict"].data)
        assert table[-1] == {
            "what": "not scored",
            "name": "too long",
            "rows": "1",
            "share": "25.0%",
        }
        assert sum(int(row["rows"]) for row in table if row["what"] == "label") == 3

    failed = batch_predict("--in.csv", "out", "text", return_state=True)
    assert failed.is_failed()
    assert failed.message
    assert failed.message.startswith("batch failed: --in.csv: no column 'text', found body")


@pytest.mark.slow
def test_a_server_that_does_not_start_is_one_line_for_the_command_line(tmp_path: Path) -> None:
    nowhere = {"PREFECT_API_DATABASE_CONNECTION_URL": "sqlite+aiosqlite:////nowhere/at/all.db"}
    environment = {**os.environ, **nowhere, "PYTHONPATH": str(REPOSITORY)}
    environment.pop("PREFECT_API_URL", None)  # of the server that other tests share
    done = subprocess.run(
        [sys.executable, "-m", "flows.batch_predict", "in.csv", "out"],
        cwd=tmp_path, capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("batch-predict failed: http://127.0.0.1:")
    assert done.stderr.count("\n") == 1
