"""Another release goes live while clients ask: no request fails, no answer mixes two of them."""

import itertools
import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator

import httpx
import psutil
import pytest

from benchmarks.serving.load import Load, Place, post, run_load
from tasks.bundle import load_bundle
from tasks.releases import read_pointer
from tests.serving.conftest import Bundles
from tests.serving.live_place import LivePlace, Served

NUM_SWAPS = int(os.environ.get("SWAPS", "50"))
NUM_RESTARTS = int(os.environ.get("RESTARTS", "3"))
TEXTS = ["the film was good", "not awful!", "food", "it is bad. " * 9, "?"]
Answers = dict[str, dict[str, list[float]]]  # version: text: probabilities


@pytest.fixture
def expected(bundles: Bundles) -> Answers:
    """What each version answers, by its bundle alone."""
    answers = {}
    for version, folder in (("v1.0.0", bundles.first), ("v1.1.0", bundles.second)):
        probs = load_bundle(folder).probs(TEXTS).round(6).tolist()
        answers[version] = dict(zip(TEXTS, probs, strict=True))
    assert answers["v1.0.0"] != answers["v1.1.0"]
    return answers


class Clients:
    """A load beside the test; each answer must be whole, right, and by one version."""

    def __init__(self, served: Served, expected: Answers, keep_alive: bool) -> None:
        place = Place("127.0.0.1", served.port, "/v1/predict")
        self.by_version: Counter[str] = Counter()
        self._expected = expected
        self._request = post(place, {"texts": TEXTS}, keep_alive)
        self._place = place
        self.load = Load()

    def check(self, body: bytes) -> None:
        predictions = json.loads(body)["predictions"]
        (version,) = {each["model_version"] for each in predictions}
        found = [list(each["probabilities"].values()) for each in predictions]
        assert found == list(self._expected[version].values()), version
        self.by_version[version] += 1

    def during(self, seconds: float) -> "threading.Thread":
        def send() -> None:
            self.load = run_load(
                self._place, itertools.repeat(self._request), 8, seconds, self.check
            )

        thread = threading.Thread(target=send)
        thread.start()
        return thread


@pytest.fixture
def served(live_place: LivePlace, bundles: Bundles) -> Iterator[Served]:
    live_place.write_params(limits__drain_seconds=2.0)  # who is not asked to leave is cut off
    live_place.point(live_place.release("v1.0.0", bundles.first))
    with live_place.serve() as served:
        yield served


def swap_often(live_place: LivePlace, bundles: Bundles) -> None:
    first, second = (
        read_pointer(live_place.place).live, live_place.release("v1.1.0", bundles.second)
    )  # fmt: skip
    for number in range(NUM_SWAPS):
        live_place.point((second, first)[number % 2])
        time.sleep(0.2)


@pytest.mark.parametrize("keep_alive", [True, False], ids=["keep-alive", "a connection each"])
@pytest.mark.slow
def test_many_swaps_under_load_fail_no_request_and_mix_no_answer(
    served: Served, live_place: LivePlace, bundles: Bundles, expected: Answers, keep_alive: bool
) -> None:
    clients = Clients(served, expected, keep_alive)
    sending = clients.during(seconds=NUM_SWAPS * 0.2 + 1)
    swap_often(live_place, bundles)
    sending.join()
    assert clients.load.failures == {}
    assert clients.load.statuses.keys() == {200}
    assert min(clients.by_version[version] for version in expected) > 50


@pytest.mark.parametrize("keep_alive", [True, False], ids=["keep-alive", "a connection each"])
@pytest.mark.slow
def test_restarts_under_load_fail_no_request(
    served: Served, expected: Answers, keep_alive: bool
) -> None:
    clients = Clients(served, expected, keep_alive)
    processes = set()
    sending = clients.during(seconds=NUM_RESTARTS * 4)
    for _ in range(NUM_RESTARTS):
        time.sleep(1)
        before = pid_of(served)
        assert httpx.post(f"{served.admin_url}/v1/restart").status_code == 202
        wait_for(lambda before=before: pid_of(served) != before)
        processes |= {before, pid_of(served)}
    sending.join()
    assert len(processes) == NUM_RESTARTS + 1
    assert clients.load.failures == {}
    assert clients.load.statuses.keys() == {200}


def pid_of(served: Served) -> int:
    state: dict[str, int] = httpx.get(f"{served.admin_url}/v1/state").json()
    return state["pid"]


def wait_for(is_so: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_it_ends_soon_although_a_client_keeps_its_connection(
    live_place: LivePlace, bundles: Bundles
) -> None:
    live_place.point(live_place.release("v1.0.0", bundles.first))
    with httpx.Client() as client, live_place.serve() as served:
        assert client.get(f"{served.url}/readyz").status_code == 200
        started = time.monotonic()
        served.process.send_signal(signal.SIGINT)
        assert served.process.wait(20) == 0
        assert time.monotonic() - started < 5


def test_a_worker_that_is_killed_is_replaced_and_the_port_stays(
    live_place: LivePlace, bundles: Bundles
) -> None:
    live_place.point(live_place.release("v1.0.0", bundles.first))
    with live_place.serve() as served:
        (worker,) = psutil.Process(served.process.pid).children()
        worker.kill()
        assert served.predict("good").status_code == 200, "asked meanwhile, it waits"
        assert pid_of(served) != worker.pid


def test_a_new_process_that_does_not_start_leaves_the_old_one_answering(
    live_place: LivePlace, bundles: Bundles
) -> None:
    live_place.point(live_place.release("v1.0.0", bundles.first))
    with live_place.serve() as served:
        before = pid_of(served)
        live_place.write_params(batch__max_texts=0)
        served.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "the old one goes on" in served.log.read_text())
        assert pid_of(served) == before
        assert served.predict("good").status_code == 200
        assert "serving.batch.max_texts" in served.log.read_text()


def test_a_restart_does_not_give_up_a_model_that_is_damaged_on_disk_meanwhile(
    live_place: LivePlace, bundles: Bundles
) -> None:
    live_place.point(live_place.release("v1.0.0", bundles.first))
    with live_place.serve() as served:
        before = pid_of(served)
        (live_place.place.bundle("v1.0.0") / "model.onnx").unlink()
        served.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "the old one goes on" in served.log.read_text())
        assert pid_of(served) == before
        assert served.predict("good").status_code == 200


def test_many_wishes_for_a_restart_are_one(live_place: LivePlace, bundles: Bundles) -> None:
    live_place.point(live_place.release("v1.0.0", bundles.first))
    with live_place.serve() as served:
        for _ in range(20):
            served.process.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        started = time.monotonic()
        served.process.send_signal(signal.SIGINT)
        assert served.process.wait(30) == 0
        assert time.monotonic() - started < 10
    assert served.log.read_text().count("loading v1.0.0") <= 3


def test_a_second_service_in_the_same_checkout_is_refused(
    live_place: LivePlace, bundles: Bundles
) -> None:
    with live_place.serve() as served, (live_place.folder / "second.log").open("w") as log:
        second = live_place.start(log)
        assert second.wait(20) == 1
        said = (live_place.folder / "second.log").read_text()
        assert said.count("\n") == 1
        assert served.url in said
