"""Simulated people: they ask the live service about texts, and answer with real votes."""

import random
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from benchmarks.demo.scenario import Scenario, Sent
from benchmarks.demo.truth import Truth

_TEXTS_PER_REQUEST = 8
_NUM_AT_ONCE = 6
_SECONDS = 60.0


def answer(url: str, truth: Truth, places: Sequence[int], scenario: Scenario) -> list[Sent]:
    """Ask about these texts, and correct (or confirm) each prediction by the votes it has.

    Which person gives which vote is dealt out, since the votes came without names. Raises where
    the service does not acknowledge.
    """
    starts = range(0, len(places), _TEXTS_PER_REQUEST)
    chunks = [places[start : start + _TEXTS_PER_REQUEST] for start in starts]
    with (
        httpx.Client(base_url=url, trust_env=False, timeout=_SECONDS) as client,
        ThreadPoolExecutor(_NUM_AT_ONCE) as pool,
    ):
        told = pool.map(lambda chunk: _ask_and_tell(client, truth, chunk, scenario), chunks)
        return [sent for chunk in told for sent in chunk]


def _ask_and_tell(
    client: httpx.Client, truth: Truth, places: Sequence[int], scenario: Scenario
) -> list[Sent]:
    asked = _post(client, "/v1/predict", {"texts": [truth.texts[place] for place in places]})
    sent = []
    for place, prediction in zip(places, asked.json()["predictions"], strict=True):
        votes = truth.votes[place][: scenario.votes_per_text]
        for person, vote in zip(deal(truth.texts[place], len(votes), scenario), votes, strict=True):
            event = Sent(
                str(uuid.uuid5(uuid.NAMESPACE_OID, f"{prediction['prediction_id']} {person}")),
                prediction["prediction_id"], truth.texts[place], f"person {person}", vote,
            )  # fmt: skip
            _tell(client, event, is_right=vote == prediction["label"])
            sent.append(event)
    return sent


def deal(text: str, number: int, scenario: Scenario) -> list[int]:
    """Who judges a text: drawn anew for each, so that any two people meet on few."""
    return random.Random(text).sample(range(scenario.num_people), number)


def _tell(client: httpx.Client, event: Sent, is_right: bool) -> None:
    body = {
        "event_id": event.event_id, "prediction_id": event.prediction_id,
        "label": None if is_right else event.label, "rater": event.rater,
    }  # fmt: skip
    _post(client, "/v1/feedback", body)


def _post(client: httpx.Client, route: str, body: dict[str, Any]) -> httpx.Response:
    """Whoever is told that the service is busy comes again; sent twice, an event is kept once."""
    deadline = time.monotonic() + _SECONDS
    while True:
        answered = client.post(route, json=body)
        if answered.is_success:
            return answered
        if answered.status_code != httpx.codes.SERVICE_UNAVAILABLE or time.monotonic() > deadline:
            raise RuntimeError(f"POST {route}: {answered.status_code} {answered.text}")
        time.sleep(float(answered.headers.get("retry-after", "1")))
