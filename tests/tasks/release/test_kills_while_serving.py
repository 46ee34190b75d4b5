"""Promotions killed at any moment under a service that is being asked: every answer is whole."""

import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from tasks import live_service
from tasks.live_service import Service
from tasks.release.promotion import promote
from tasks.release.rollback import roll_back
from tasks.releases import read_pointer
from tests.tasks.release.side import PLACE, make_live, make_release, order, params, running_service

NUM_KILLS = 8
PROMOTE = [sys.executable, "-m", "tasks.release", "promote", "v1.1.0", "--why", "try"]


class Client(threading.Thread):
    """Asks without a pause; keeps what answered, and whatever went wrong."""

    def __init__(self, service: Service) -> None:
        super().__init__()
        self.service = service
        self.ended = threading.Event()
        self.answers: Counter[tuple[str, ...]] = Counter()
        self.failures: list[str] = []

    def run(self) -> None:
        while not self.ended.is_set():
            try:
                found = live_service.predict(self.service, ["it was good", "bad food"], 10)
                self.answers[tuple(one.model_version for one in found)] += 1
            except Exception as error:
                self.failures.append(str(error))


def time_one() -> float:
    started = time.monotonic()
    subprocess.run(PROMOTE, check=True, capture_output=True)
    roll_back(PLACE, "v1.0.0", ("bob", "back"), 5)
    return time.monotonic() - started


@pytest.mark.slow
def test_no_answer_fails_or_mixes_versions_whenever_a_promotion_is_killed(packaged: Path) -> None:
    first = make_release(packaged, "first")
    make_release(packaged, "second", champion=first)
    make_live(first)
    with running_service() as service:
        client = Client(service)
        client.start()
        whole_seconds = time_one()
        for number in range(NUM_KILLS):
            process = subprocess.Popen(PROMOTE, stdout=subprocess.DEVNULL)
            time.sleep(whole_seconds * (number + 1) / NUM_KILLS)
            process.kill()
            process.wait()
            pointer = read_pointer(PLACE)
            assert pointer.live
            assert live_service.reload(service, 10).problem is None
            assert live_service.read_model(service, 5).version == pointer.live.version
            roll_back(PLACE, "v1.0.0", ("bob", "back"), 5)
        line = promote(PLACE, params(), order("v1.1.0"), print)
        client.ended.set()
        client.join()
    assert "answers as v1.1.0" in line
    assert client.failures == []
    assert set(client.answers) == {("v1.0.0",) * 2, ("v1.1.0",) * 2}
