"""Nobody ingests while somebody is forgotten; a second run ends what a killed one began."""

import contextlib
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from flows.checkout.lock import CheckoutBusy, checkout_lock
from tasks.errors import TemporaryError
from tasks.ingest_feedback.ingest import ingest
from tasks.partitions.place import locked
from tests.flows.forgetting import (
    ANN,
    SECRET,
    feedback_of_ann,
    forget,
    holders,
    id_of,
    ids_of,
    put,
    text_of,
)
from tests.project import environment
from tests.tasks.feedback_store import TARGET, ids_in, read_params

pytestmark = pytest.mark.slow
ARGUMENTS = ("--rater", "ann", "--client", "k1")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    checkout = tmp_path / "checkout"  # its remote lies beside it
    checkout.mkdir()
    monkeypatch.chdir(checkout)
    with feedback_of_ann(checkout, {}) as engine:
        yield engine


@contextlib.contextmanager
def about_to_erase(*arguments: str) -> "Iterator[subprocess.Popen[str]]":
    """One that has looked everywhere, and cannot write to the store while the block lasts."""
    command = [sys.executable, "-m", "flows.forget", *arguments]
    with (
        contextlib.closing(sqlite3.connect("live/store.db", isolation_level=None)) as other,
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as process,
    ):
        assert process.stdout
        try:
            other.execute("BEGIN IMMEDIATE")
            lines = (line for line in process.stdout if "looked through" in line)
            assert any(line.startswith("DVC remote ") for line in lines)
            yield process
        finally:
            other.execute("ROLLBACK")
            process.stdout.read()


def test_nothing_is_ingested_before_the_store_is_erased(store: Engine) -> None:
    with about_to_erase(*ARGUMENTS) as process:
        with pytest.raises(TemporaryError, match="another process still changes it"), \
             locked(TARGET, 0):  # fmt: skip
            pass
        with pytest.raises(CheckoutBusy, match="make forget"), checkout_lock("test", 0, print):
            pass
    assert process.returncode == 0
    assert ingest(TARGET, read_params()) == []
    assert sorted(ids_in()) == ids_of(3, 4)
    assert holders(ANN, SECRET, *ids_of(8)) == []


def test_a_run_that_was_killed_when_it_erased_is_ended_by_the_next(store: Engine) -> None:
    with about_to_erase("--prediction", id_of(8)) as process:
        notes = Path(".dvc/tmp/flywheel")
        while not list(notes.glob("forget-*")):
            assert process.poll() is None
            time.sleep(0.05)
        process.kill()
    with contextlib.closing(sqlite3.connect("live/store.db")) as other, other:  # as it would have
        for table in ("feedback", "predictions"):
            other.execute(f"DELETE FROM {table} WHERE prediction_id = ?", (id_of(8),))
    done = forget("--prediction", id_of(8))
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1] == "0 left"
    assert holders(id_of(8), text_of(8)) == []
    done = forget("--prediction", id_of(8))
    assert done.returncode == 1, done.stdout
    assert "nothing found of that prediction. It is gone already, or " in done.stdout


def test_a_prediction_that_nobody_answered_is_found_and_another_id_is_not(store: Engine) -> None:
    put(store, 90)
    with contextlib.closing(sqlite3.connect("live/store.db")) as other, other:
        other.execute("DELETE FROM feedback WHERE prediction_id = ?", (id_of(90),))
    before = ids_in()
    for wrong, reason in (
        (id_of(91), "nothing found of that prediction. It is gone already, or another id is meant"),
        (id_of(90).upper(), "expected a prediction_id as the service gave it"),
        (id_of(90)[:-1], "expected a prediction_id as the service gave it"),
    ):
        done = forget("--prediction", wrong)
        assert done.returncode == 1, done.stdout
        assert reason in done.stdout.splitlines()[-1]
    assert holders(id_of(90)) != []
    done = forget("--prediction", id_of(90))
    assert done.returncode == 0, done.stdout
    assert (holders(id_of(90), text_of(90)), ids_in()) == ([], before)
