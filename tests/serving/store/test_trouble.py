"""The prediction log while its database is killed, away, locked or out of space."""

import contextlib
import logging
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from serving.store.engine import open_engine
from serving.store.prediction_log import PredictionLog
from serving.store.schema import upgrade
from tests.flows.services.place import wait_for
from tests.postgres import PASSWORD, make_database, serving
from tests.project import REPOSITORY
from tests.serving.store.predictions import PARAMS, PRIVACY, make_record, read_rows
from tests.tasks.namespaces import in_namespace

WRITE_FOR_EVER = """
import sys, time
from itertools import count
from serving.store.engine import open_engine
from serving.store.prediction_log import PredictionLog
from serving.store.schema import upgrade
from tests.serving.store.predictions import PARAMS, PRIVACY, make_record
engine = open_engine(sys.argv[1])
upgrade(engine)
log = PredictionLog(engine, PARAMS, PRIVACY)
for number in count(int(sys.argv[2])):
    log.put([make_record(number)])
    time.sleep(0.0002)
    if number % 100 == 0:
        print(log.state().written, flush=True)
"""


@pytest.mark.slow
def test_a_kill_loses_nothing_that_was_written_and_leaves_no_row_half(tmp_path: Path) -> None:
    file = tmp_path / "store.db"
    num_rows = 0
    for start in range(0, 500_000, 100_000):  # again on what the kill before has left
        written = write_until_killed(f"sqlite:///{file}", start)
        connection = sqlite3.connect(file)
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection.close()
        rows = read_file(file)
        assert len(rows) >= num_rows + written
        num_rows = len(rows)
        for name, row in rows.items():
            expected = make_record(int(name[1:]))._asdict()
            assert {key: row[key] for key in expected} == expected


def write_until_killed(url: str, start: int) -> int:
    """Returns how many were said to be written."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITE_FOR_EVER, url, str(start)],
        cwd=REPOSITORY, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout
        written = 0
        for line in process.stdout:
            written = int(line)
            if written > 500:
                process.send_signal(signal.SIGKILL)
                break
        assert process.wait(30) == -signal.SIGKILL
    return written


def read_file(file: Path) -> dict[str, dict[str, object]]:
    engine = open_engine(f"sqlite:///{file}")
    rows = {name: dict(row) for name, row in read_rows(engine).items()}
    engine.dispose()
    return rows


FILL_AND_FREE = """
import os, time
from pathlib import Path
from serving.store.engine import open_engine
from serving.store.prediction_log import PredictionLog
from serving.store.schema import upgrade
from tests.serving.store.predictions import PARAMS, PRIVACY, make_record, read_rows
engine = open_engine("sqlite:///store.db")
upgrade(engine)
log = PredictionLog(engine, PARAMS, PRIVACY)
log.put([make_record(1)])
while not log.state().written:
    time.sleep(0.01)
with open("filler", "wb", buffering=0) as filler:
    try:
        for _ in range(4096):  # four times the disk, and no more where it is none
            filler.write(bytes(4096))
    except OSError:
        pass
log.put([make_record(number, text="x" * 900) for number in range(2, 1000)])
while not log.state().problem:
    time.sleep(0.01)
print(log.state().problem, log.state().waiting > 0)
Path("filler").unlink()
print(log.close(20), log.state().written, len(read_rows(engine)))
"""


def test_on_a_full_disk_predictions_wait_until_there_is_space(tmp_path: Path) -> None:
    (tmp_path / "fill.py").write_text(FILL_AND_FREE)
    mount = "mkdir disk; mount -t tmpfs -o size=4m none disk; cd disk"
    result = in_namespace(f"{mount}; {sys.executable} ../fill.py", tmp_path)
    assert result.returncode == 0, result.stderr
    problem, counts = result.stdout.splitlines()
    assert problem.startswith("sqlite:///store.db: the disk ")
    assert problem.endswith(" True")
    assert counts == "0 999 999"


@contextlib.contextmanager
def opened(url: str) -> Iterator[Engine]:
    engine = open_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


@pytest.mark.slow
def test_while_postgresql_is_away_predictions_wait_and_the_newest_are_dropped(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "serving")
    with make_database() as database, opened(database.url_for("psycopg")) as engine:
        with serving(database):
            upgrade(engine)
            log = PredictionLog(engine, PARAMS.model_copy(update={"max_waiting": 1000}), PRIVACY)
            log.put([make_record(number) for number in range(100)])
            wait_for(lambda: log.state().written == 100, 20)
        assert log.put([make_record(number) for number in range(100, 1200)]) == 100
        wait_for(lambda: log.state().problem, 20)
        time.sleep(1)  # for some more tries
        with serving(database):
            wait_for(lambda: log.state().written == 1100, 60)
            assert log.state() == (1100, 100, 0, 0, "")
            assert log.close(20) == 0
            assert read_rows(engine).keys() == {f"p{number:06}" for number in range(1100)}
    said = [entry.getMessage() for entry in caplog.records]
    assert len(said) == 2, said  # one when it went, one when it came back; nothing for each try
    assert said[0].startswith("predictions wait, the store takes none: postgresql+psycopg://")
    assert said[1] == "predictions are written again; 100 were dropped so far"
    assert PASSWORD not in caplog.text


@pytest.mark.slow
def test_a_log_that_cannot_write_closes_in_time_and_says_what_is_lost() -> None:
    with make_database() as database, opened(database.url_for("psycopg")) as engine:
        log = PredictionLog(engine, PARAMS, PRIVACY)
        log.put([make_record(number) for number in range(30)])
        wait_for(lambda: log.state().problem, 20)
        started = time.monotonic()
        assert log.close(1.0) == 30
        assert time.monotonic() - started < 3


def test_a_file_that_vanishes_and_comes_back_is_no_end(tmp_path: Path) -> None:
    """Someone moves the database away under a running service, and puts it back."""
    file = tmp_path / "live/store.db"
    with opened(f"sqlite:///{file}") as engine:
        upgrade(engine)
        engine.dispose()  # no connection stays with the moved file
        file.parent.rename(tmp_path / "away")
        log = PredictionLog(engine, PARAMS, PRIVACY)
        log.put([make_record(1)])
        wait_for(lambda: log.state().problem, 20)
        assert "No such file or directory" in log.state().problem
        (tmp_path / "away").rename(file.parent)
        wait_for(lambda: log.state().written == 1, 20)
        assert log.close(10) == 0
        assert read_rows(engine).keys() == {"p000001"}
