"""Corrections over HTTP, and what the service's own store then holds."""

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from serving.store.engine import open_engine
from tests.serving.live_place import Served
from tests.serving.store.corrections import read_events


def predict_one(served: Served, text: str = "good", **headers: str) -> dict[str, Any]:
    answer = served.predict(text, **headers)
    assert answer.status_code == 200, answer.text
    prediction: dict[str, Any] = answer.json()["predictions"][0]
    return prediction


def make_event(prediction_id: str, **changes: Any) -> dict[str, Any]:
    event = {"event_id": str(uuid.uuid4()), "prediction_id": prediction_id, "label": None}
    return {**event, "rater": f"r{uuid.uuid4().hex[:8]}", **changes}


def send(served: Served, event: Mapping[str, Any], bearer: str = "") -> httpx.Response:
    headers = {"authorization": f"Bearer {bearer}"} if bearer else {}
    return httpx.post(f"{served.url}/v1/feedback", json=event, headers=headers, timeout=30)


def stored_events(folder: Path) -> dict[str, Mapping[str, Any]]:
    engine = open_engine(f"sqlite:///{folder}/live/store.db")
    try:
        return read_events(engine)
    finally:
        engine.dispose()
