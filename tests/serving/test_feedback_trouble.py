"""A store that is full, locked, read-only or away: 503, nothing acknowledged; it heals alone."""

import contextlib
import os
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from serving.store.engine import open_engine
from tests.postgres import PASSWORD, make_database, serving
from tests.project import REPOSITORY
from tests.serving.conftest import Bundles
from tests.serving.corrections import make_event, predict_one, send, stored_events
from tests.serving.live_place import LivePlace, Served, wait_for
from tests.serving.store.corrections import read_events
from tests.tasks.namespaces import bound_by_permissions, in_namespace


@pytest.fixture
def served(live_place: LivePlace, bundles: Bundles) -> Iterator[Served]:
    live_place.write_params(feedback__answer_seconds=8.0)
    live_place.point(live_place.release("v1.0.0", bundles.first))
    with live_place.serve() as served:
        yield served


@contextlib.contextmanager
def full_disk(served: Served) -> Iterator[None]:
    """For the worker alone: no file may grow beyond its first byte, what is written fails."""
    (worker,) = psutil.Process(served.process.pid).children()
    before = resource.prlimit(worker.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (1, before[1]))
    try:
        yield
    finally:
        resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, before)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    with contextlib.closing(sqlite3.connect(folder / "live/store.db", timeout=20)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.rollback()


@pytest.mark.slow
@pytest.mark.parametrize("trouble", ["full", "locked"])
def test_in_trouble_it_acknowledges_nothing_and_heals_alone(
    live_place: LivePlace, served: Served, trouble: str
) -> None:
    prediction_id = predict_one(served)["prediction_id"]
    before = make_event(prediction_id)
    assert send(served, before).status_code == 201
    event = make_event(prediction_id)
    with full_disk(served) if trouble == "full" else locked(live_place.folder):
        answers = [send(served, event), send(served, make_event(prediction_id))]
        for answer in answers:
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            assert "send it again with the same event_id" in answer.json()["detail"]
        assert send(served, {**event, "label": 1}).status_code == 422, "it answers meanwhile"
    wait_for(lambda: send(served, event).status_code in (200, 201))
    assert stored_events(live_place.folder).keys() >= {before["event_id"], event["event_id"]}


@pytest.mark.slow
def test_while_postgresql_is_stopped_it_acknowledges_nothing(
    live_place: LivePlace, bundles: Bundles
) -> None:
    live_place.point(live_place.release("v1.0.0", bundles.first))
    with make_database() as database, contextlib.ExitStack() as up:
        url = database.url_for("psycopg")
        up.enter_context(serving(database))
        with live_place.serve({"FLYWHEEL_STORE": url}) as served:
            prediction_id = predict_one(served)["prediction_id"]
            events = [make_event(prediction_id) for _ in range(3)]
            assert send(served, events[0]).status_code == 201
            up.close()
            for event in events[1:]:
                answer = send(served, event)
                assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            with serving(database):
                wait_for(lambda: send(served, events[1]).status_code in (200, 201))
                stored = read_all(url)
    assert stored == {event["event_id"] for event in events[:2]}
    said = served.log.read_text()
    assert said.count("corrections are refused") == 1
    assert PASSWORD not in said


def read_all(url: str) -> set[str]:
    engine = open_engine(url)
    try:
        return set(read_events(engine))
    finally:
        engine.dispose()


BE_READ_ONLY = """
import sys
from pathlib import Path
from serving.store.engine import open_engine
from serving.store.insert import insert_predictions
from serving.store.schema import upgrade
from tests.serving.store.corrections import feedback_to, make_correction, read_events
from tests.serving.store.predictions import POLICY, make_record
engine = open_engine("sqlite:///live/store.db")
upgrade(engine)
insert_predictions(engine, [make_record(1)], POLICY)
with feedback_to(engine) as log:
    engine.dispose()  # an open file stays as it was opened
    Path("live/store.db").chmod(0o400)
    if sys.argv[1] == "folder":
        Path("live").chmod(0o500)
    print(log.put(make_correction(1)).exception(20))
    Path("live").chmod(0o700)
    for file in Path("live").iterdir():  # what SQLite made beside it has its mode
        file.chmod(0o600)
    print(log.put(make_correction(1)).result(20).verdict, len(read_events(engine)))
"""


@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_became_read_only_heals_when_it_may_be_written_again(
    tmp_path: Path, what: str
) -> None:
    (tmp_path / "script.py").write_text(BE_READ_ONLY)
    result = subprocess.run(
        [*bound_by_permissions(), sys.executable, "script.py", what], cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    problem, after = result.stdout.splitlines()
    assert "Let this user write" in problem
    assert after == "stored 1"


FILL_THE_DISK = """
from pathlib import Path
from serving.store.engine import open_engine
from serving.store.insert import insert_predictions
from serving.store.schema import upgrade
from tests.serving.store.corrections import feedback_to, make_correction, read_events
from tests.serving.store.predictions import POLICY, make_record
engine = open_engine("sqlite:///store.db")
upgrade(engine)
insert_predictions(engine, [make_record(1)], POLICY)
stored = set()
with feedback_to(engine) as log:
    with open("filler", "wb", buffering=0) as filler:
        try:
            filler.write(bytes(64 * 1024 * 1024))
            for _ in range(99):
                filler.write(bytes(512))
        except OSError:
            pass
    answers = []
    for number in range(2000):
        correction = make_correction(number, prediction_id="p000001", comment="x " * 900)
        answer = log.put(correction)
        if problem := answer.exception(20):
            break
        stored.add(correction.event_id)
    print(problem)
    print(stored <= set(read_events(engine)))
    Path("filler").unlink()
    print(log.put(correction).result(20).verdict)
"""


def test_on_a_full_disk_nothing_is_acknowledged_until_there_is_space(tmp_path: Path) -> None:
    (tmp_path / "fill.py").write_text(FILL_THE_DISK)
    mount = "mkdir disk; mount -t tmpfs -o size=2m none disk; cd disk"
    result = in_namespace(f"{mount}; {sys.executable} ../fill.py", tmp_path)
    assert result.returncode == 0, result.stderr
    problem, kept, after = result.stdout.splitlines()
    assert problem.startswith("sqlite:///store.db: the disk ")
    assert (kept, after) == ("True", "stored")
