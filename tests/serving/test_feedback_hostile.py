"""Corrections that mean harm: what is acknowledged is stored, all else is refused."""

import os
import random
from collections.abc import Callable

import psutil
import pytest

from benchmarks.serving.load import Place, post, run_load
from tests.serving.conftest import Bundles
from tests.serving.corrections import make_event, predict_one, stored_events
from tests.serving.live_place import LivePlace

NUM_BODIES = int(os.environ.get("BODIES", "10_000"))
MEBIBYTE = 2**20
REFUSALS = {404, 409, 413, 415, 422, 503}
Event = dict[str, object]
ODD_TEXTS = [
    "\u202e", "\ud83d", "a\0b", "'; DROP TABLE feedback; --", "%s :x ?", "\\ud800", "9" * 1900,
    "(" * 1900, "a@" * 900, "\U000e0041" * 500, "&amp;" * 300, "e\u0301" * 900,
]  # fmt: skip


def good(event: Event, _: random.Random) -> Event:
    return event


def odd_comment(event: Event, rng: random.Random) -> Event:
    return {**event, "comment": rng.choice(ODD_TEXTS)}


def odd_rater(event: Event, rng: random.Random) -> Event:
    return {**event, "rater": rng.choice(ODD_TEXTS)[: rng.randrange(300)] + str(rng.random())}


def odd_label(event: Event, rng: random.Random) -> Event:
    return {**event, "label": rng.choice([*ODD_TEXTS, "", "NA", "good", 1, True, [], {}])}


def odd_value(event: Event, rng: random.Random) -> Event:
    return {**event, rng.choice(list(event)): rng.choice([None, 1, 1e300, [], {}, "", "\0", True])}


def missing(event: Event, rng: random.Random) -> Event:
    gone = rng.choice(list(event))
    return {name: value for name, value in event.items() if name != gone}


def same_id(event: Event, rng: random.Random) -> Event:
    return {
        **event,
        "event_id": "6f1c2a34-5b6d-4e7f-8a9b-0c1d2e3f4a5b",
        "rater": f"r{rng.random()}",
    }


KINDS: list[Callable[[Event, random.Random], Event]] = [
    good, odd_comment, odd_rater, odd_label, odd_value, missing, same_id,
]  # fmt: skip


@pytest.mark.slow
def test_thousands_of_odd_corrections_leave_what_was_acknowledged_and_no_memory(
    live_place: LivePlace, bundles: Bundles
) -> None:
    live_place.point(live_place.release("v1.0.0", bundles.first))
    rng = random.Random(0)
    with live_place.serve() as served:
        target = Place("127.0.0.1", served.port, "/v1/feedback")
        prediction_id = predict_one(served)["prediction_id"]

        def request(number: int) -> bytes:
            event = KINDS[number % len(KINDS)](make_event(prediction_id), rng)
            return bent(post(target, event), rng) if number % 5 == 0 else post(target, event)

        warm = run_load(target, [request(number) for number in range(500)], 8)
        (worker,) = psutil.Process(served.process.pid).children()
        before = worker.memory_info().rss
        load = run_load(target, [request(number) for number in range(NUM_BODIES)], 8)
        statuses = warm.statuses + load.statuses
        assert (load.failures, warm.failures) == ({}, {})
        assert statuses.keys() <= {200, 201, *REFUSALS}
        assert load.statuses.total() == NUM_BODIES
        assert min(statuses[201], statuses[422], statuses[409]) > NUM_BODIES / 20
        assert worker.memory_info().rss - before <= 64 * MEBIBYTE
        assert worker.is_running()
        assert len(stored_events(live_place.folder)) == statuses[201]


def bent(request: bytes, rng: random.Random) -> bytes:
    """Some bytes of the body are others; its length stays."""
    head, body = request.split(b"\r\n\r\n", 1)
    bytes_ = bytearray(body)
    for _ in range(rng.randrange(1, 5)):
        bytes_[rng.randrange(len(bytes_))] = rng.randrange(256)
    return head + b"\r\n\r\n" + bytes(bytes_)
