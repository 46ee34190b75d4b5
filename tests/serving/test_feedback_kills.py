"""Killed again and again under load: what was acknowledged is there, once, as it was sent.

KILLS=10000 for the long run. A kill leaves what the kernel holds; that a commit reaches the disk is
SQLite's and PostgreSQL's promise where synchronous is FULL, which test_engine.py looks at.
"""

import os
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from sqlalchemy import Engine, text

from serving.store.engine import open_engine
from serving.store.schema import upgrade
from tasks.privacy import pseudonym
from tests.postgres import serve_database
from tests.project import REPOSITORY
from tests.serving.conftest import Bundles
from tests.serving.corrections import make_event as make_json
from tests.serving.corrections import predict_one, stored_events
from tests.serving.feedback_victim import make_event, make_prediction
from tests.serving.live_place import LivePlace, Served
from tests.serving.store.corrections import read_events

KILLS = int(os.environ.get("KILLS", "500"))


def kill_often(url: str, folder: Path, kills: int, *hasty: str) -> dict[int, set[str]]:
    """Returns what was acknowledged: by the number of the event, the words used."""
    engine = open_engine(url)
    upgrade(engine)
    engine.dispose()
    acks = folder / "acks"
    result = subprocess.run(
        [sys.executable, "-m", "tests.serving.feedback_victim", url, acks, str(kills), "1", *hasty],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    found: dict[int, set[str]] = {}
    for line in acks.read_text().splitlines():
        number, verdict = line.split()
        found.setdefault(int(number), set()).add(verdict)
    return found


def problems_of(url: str, acknowledged: dict[int, set[str]]) -> Counter[str]:
    engine = open_engine(url)
    events = read_events(engine)  # which finds doubles
    engine.dispose()
    found: Counter[str] = Counter()
    for number, verdicts in acknowledged.items():
        sent = make_event(number)
        event = events.get(sent.event_id)
        if event is None:
            found["lost"] += 1
        elif not is_as_sent(event, number):
            found["changed"] += 1
        found["refused"] += not verdicts <= {"stored", "repeated"}
    return +found


def is_as_sent(event: Any, number: int) -> bool:
    sent, prediction = make_event(number), make_prediction(number)
    expected = {
        "prediction_id": prediction.prediction_id, "client": sent.client, "comment": sent.comment,
        "rater": pseudonym(sent.client, str(sent.rater)), "received_at": sent.received_at,
        "label": sent.label or prediction.label, "predicted": prediction.label,
        "text": prediction.text, "predicted_at": prediction.created_at,
    }  # fmt: skip
    return all(event[name] == value for name, value in expected.items())


@pytest.mark.slow
@pytest.mark.timeout(200 + KILLS)
def test_nothing_acknowledged_is_lost_doubled_or_changed_in_sqlite(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    acknowledged = kill_often(url, tmp_path, KILLS)
    assert problems_of(url, acknowledged) == {}
    assert len(acknowledged) > KILLS
    assert any("repeated" in verdicts for verdicts in acknowledged.values()), "some were sent again"
    engine = open_engine(url)
    with engine.connect() as connection:
        assert connection.scalar(text("PRAGMA integrity_check")) == "ok"
    engine.dispose()


@pytest.mark.slow
@pytest.mark.timeout(200 + KILLS)
def test_nothing_acknowledged_is_lost_doubled_or_changed_in_postgresql(tmp_path: Path) -> None:
    with serve_database() as database:
        url = database.url_for("psycopg")
        acknowledged = kill_often(url, tmp_path, max(KILLS // 10, 1))
        assert problems_of(url, acknowledged) == {}
        assert len(acknowledged) > KILLS // 10


@pytest.mark.slow
def test_the_checker_finds_what_was_acknowledged_too_early_or_changed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    acknowledged = kill_often(url, tmp_path, 5, "hasty")
    assert problems_of(url, acknowledged)["lost"] > 0
    engine = open_engine(url)
    change(
        engine, "UPDATE feedback SET label = 'other' WHERE seq = (SELECT min(seq) FROM feedback)"
    )
    change(engine, "DELETE FROM feedback WHERE seq = (SELECT max(seq) FROM feedback)")
    engine.dispose()
    found = problems_of(url, {number: {"unknown"} for number in acknowledged})
    assert found["changed"] == 1
    assert found["refused"] == len(acknowledged)


def change(engine: Engine, statement: str) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)


class Clients:
    """They send, and send again with the same id, until they are told that it is stored."""

    def __init__(self, served: Served, prediction_id: str, number: int) -> None:
        self.acknowledged: dict[str, int] = {}
        self.unexpected: Counter[int] = Counter()
        self._url = f"{served.url}/v1/feedback"
        self._prediction_id = prediction_id
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(number)]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        with httpx.Client(timeout=30) as client:
            while not self._ended.is_set():
                event = make_json(self._prediction_id, event_id=str(uuid.uuid4()))
                while (status := self._send(client, event)) not in (200, 201):
                    time.sleep(0.02)
                self.acknowledged[event["event_id"]] = status

    def _send(self, client: httpx.Client, event: dict[str, Any]) -> int:
        try:
            answer = client.post(self._url, json=event)
        except httpx.TransportError:
            return 0
        if answer.status_code not in (200, 201, 503):
            self.unexpected[answer.status_code] += 1
        return answer.status_code


@pytest.mark.slow
@pytest.mark.parametrize("how", ["killed", "restarted"])
def test_the_real_service_loses_no_correction(
    live_place: LivePlace, bundles: Bundles, how: str
) -> None:
    """Killed outright, or handed over to another process, while clients send."""
    live_place.point(live_place.release("v1.0.0", bundles.first))
    with live_place.serve() as served:
        clients = Clients(served, predict_one(served)["prediction_id"], 6)
        try:
            for _ in range(4):
                time.sleep(0.5)
                (worker, *_) = psutil.Process(served.process.pid).children()
                if how == "killed":
                    worker.kill()
                else:
                    httpx.post(f"{served.admin_url}/v1/restart")
                worker.wait(60)
        finally:
            clients.end()
        assert clients.unexpected == {}
    stored = stored_events(live_place.folder).keys()
    assert clients.acknowledged.keys() - stored == set()
    assert len(clients.acknowledged) > 100
    if how == "restarted":
        assert set(clients.acknowledged.values()) == {201}, "none had to be sent again"
