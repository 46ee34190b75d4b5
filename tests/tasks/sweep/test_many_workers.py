"""Workers that know of each other through the study alone: in a journal, and in a database."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from optuna.trial import TrialState

from tests.postgres import PASSWORD, serve_database
from tests.tasks.sweep.workspace import STUDY, begin_here, read_trials, start, write_sweep

pytestmark = pytest.mark.slow
URL_FROM = "SWEEP_DATABASE"


@contextlib.contextmanager
def storage_of(kind: str, patch: pytest.MonkeyPatch) -> Iterator[None]:
    if kind == "journal":
        yield
        return
    with serve_database() as database:
        patch.setenv(URL_FROM, database.url_for("psycopg"))
        yield


@pytest.mark.parametrize("kind", ["journal", "database"])
def test_two_workers_share_the_trials(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with storage_of(kind, monkeypatch):
        storage = {"kind": kind, "url_from": URL_FROM}
        folder = write_sweep(tmp_path / "here", num_trials=2, storage=storage)
        begin_here(folder)
        workers = [start(folder, "tasks.sweep.trial", str(STUDY)) for _ in range(2)]
        said = [worker.communicate(timeout=200)[0] for worker in workers]
        trials = read_trials(folder)
    assert [worker.returncode for worker in workers] == [0, 0], said
    assert len(trials) == 2
    assert {trial.state for trial in trials} <= {TrialState.COMPLETE, TrialState.PRUNED}
    assert {text.split(":")[0] for text in said} == {"sweep 0000", "sweep 0001"}
    written = [text for file in folder.rglob("*.json") for text in [file.read_text()]]
    assert PASSWORD not in "".join([*said, *written])
