"""Corrections through the real service: what is stored, what is refused, and with which words."""

import re
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

from serving.prediction_ids import new_prediction_id
from tasks.bundle import load_bundle
from tasks.privacy import pseudonym
from tests.serving.conftest import Bundles
from tests.serving.corrections import make_event, predict_one, send, stored_events
from tests.serving.live_place import LivePlace, Served, wait_for


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, bundles: Bundles) -> LivePlace:
    place = LivePlace(tmp_path_factory.mktemp("live"))
    place.write_params(
        feedback__settle_seconds=0.5, feedback__rater_burst=3, feedback__per_rater_per_minute=1.0
    )
    place.point(place.release("v1.0.0", bundles.first))
    return place


@pytest.fixture(scope="module")
def served(place: LivePlace) -> Iterator[Served]:
    with place.serve() as served:
        yield served


def test_a_correction_is_on_the_disk_when_it_is_acknowledged(
    place: LivePlace, served: Served
) -> None:
    """At once after its prediction, which is written in the background."""
    for number in range(20):
        text = f"good {number}, ann&#64;example.org"
        prediction = predict_one(served, text)
        event = make_event(prediction["prediction_id"], comment="me: ann@example.org")
        answer = send(served, event)
        assert answer.status_code == 201, answer.text
        said = {name: event[name] for name in ("event_id", "prediction_id")}
        assert answer.json() == {**said, "label": prediction["label"]}
        stored = stored_events(place.folder)[event["event_id"]]
        assert stored["label"] == stored["predicted"] == prediction["label"]
        assert (stored["text"], stored["comment"]) == (f"good {number}, [email]", "me: [email]")
        assert stored["rater"] == pseudonym(None, event["rater"])
        again = send(served, event)
        assert (again.status_code, again.json()) == (200, answer.json())


def test_another_correction_under_the_same_id_is_a_conflict(
    place: LivePlace, served: Served, bundles: Bundles
) -> None:
    prediction = predict_one(served)
    classes = load_bundle(bundles.first).label_set.classes
    (wrong, *_) = (label for label in classes if label != prediction["label"])
    event = make_event(prediction["prediction_id"], label=wrong)
    assert send(served, event).json()["label"] == wrong
    answer = send(served, {**event, "label": None})
    assert (answer.status_code, answer.json()["detail"]) == (
        409, "another correction has this event_id",
    )  # fmt: skip
    assert stored_events(place.folder)[event["event_id"]]["label"] == wrong


def test_a_label_that_is_no_class_is_refused_and_the_classes_named(
    served: Served, bundles: Bundles
) -> None:
    answer = send(served, make_event(predict_one(served)["prediction_id"], label="splendid"))
    assert answer.status_code == 422
    (part,) = answer.json()["detail"]
    assert (part["loc"], part["type"]) == (["body", "label"], "no_class")
    assert all(label in part["msg"] for label in load_bundle(bundles.first).label_set.classes)


def test_who_agrees_with_a_class_that_is_gone_is_told_so(place: LivePlace, served: Served) -> None:
    """A release before had it; null is what the client has sent, and no way out."""
    prediction_id = predict_one(served)["prediction_id"]
    alter(place, prediction_id, "label = 'splendid'")
    answer = send(served, make_event(prediction_id))
    (part,) = answer.json()["detail"]
    assert (answer.status_code, part["loc"]) == (422, ["body", "label"])
    assert part["msg"].startswith("'splendid' was answered, which is no class of what is live now")
    assert "null" not in part["msg"]


@pytest.mark.parametrize("prediction_id", ["0" * 32, "f" * 32, None])
def test_an_unknown_prediction_is_not_found(served: Served, prediction_id: str | None) -> None:
    """One that looks new is waited for, as it may be on its way from another process."""
    answer = send(served, make_event(prediction_id or new_prediction_id()))
    assert (answer.status_code, answer.json()["detail"]) == (
        404, "no such prediction, or it is no longer kept",
    )  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {"event_id": "6F1C2A34-5B6D-4E7F-8A9B-0C1D2E3F4A5B"}, {"event_id": "1"}, {"label": 1},
        {"prediction_id": "../x"}, {"rater": ""}, {"rater": "a" * 201}, {"rater": "a\0"},
        {"comment": "x" * 2001}, {"comment": "\0"}, {"more": 1}, {"label": "a\0"},
    ],
    ids=repr,
)  # fmt: skip
def test_what_is_not_as_the_schema_says_is_refused(
    served: Served, changes: dict[str, object]
) -> None:
    answer = send(served, {**make_event("0" * 32), **changes})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"][:2] == ["body", *changes]


def test_one_person_has_a_rate_also_where_keys_are_off(served: Served) -> None:
    prediction_id = predict_one(served)["prediction_id"]
    events = [make_event(prediction_id, rater="keen") for _ in range(5)]
    answers = [send(served, event) for event in events]
    assert [answer.status_code for answer in answers] == [201] * 3 + [429] * 2
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    assert send(served, make_event(prediction_id, rater="calm")).status_code == 201
    unnamed = [send(served, make_event(prediction_id, rater=None)) for _ in range(5)]
    assert [answer.status_code for answer in unnamed] == [201] * 5


def test_a_prediction_too_old_is_gone(place: LivePlace, served: Served) -> None:
    prediction_id = predict_one(served)["prediction_id"]
    event = make_event(prediction_id)
    assert send(served, event).status_code == 201
    alter(place, prediction_id, "created_at = datetime(created_at, '-91 days') || '.000000'")
    answer = send(served, make_event(prediction_id))
    assert (answer.status_code, answer.json()["detail"]) == (
        410, "its prediction is older than 90 days",
    )  # fmt: skip
    assert send(served, event).status_code == 200, "what was stored in time stays so"


def alter(place: LivePlace, prediction_id: str, assignment: str) -> None:
    """What the store has of a prediction, once it is written."""
    with closing(sqlite3.connect(place.folder / "live/store.db", timeout=20)) as store:
        statement = f"UPDATE predictions SET {assignment} WHERE prediction_id = ?"

        def is_altered() -> bool:
            with store:
                return store.execute(statement, (prediction_id,)).rowcount == 1

        wait_for(is_altered)


def test_the_metrics_count_what_became_of_corrections(served: Served) -> None:
    send(served, make_event(predict_one(served)["prediction_id"]))
    send(served, make_event("0" * 32))
    page = httpx.get(f"{served.url}/metrics").text
    found = re.findall(r'^flywheel_feedback_total{outcome="(\w+)"} (\S+)', page, re.MULTILINE)
    counts = {outcome: float(number) for outcome, number in found}
    assert counts["stored"] >= 1 <= counts["unknown"]
    assert "flywheel_waiting_feedback 0.0" in page


def test_the_document_says_what_feedback_takes_and_gives(served: Served) -> None:
    document = httpx.get(f"{served.url}/openapi.json").json()
    route = document["paths"]["/v1/feedback"]["post"]
    expected = {"200", "201", "401", "403", "404", "409", "410", "413", "415", "422", "429", "503"}
    assert route["responses"].keys() - {"408"} == expected
    schema = route["requestBody"]["content"]["application/json"]["schema"]
    event = {**schema["examples"][0], "prediction_id": predict_one(served)["prediction_id"]}
    assert send(served, {**event, "label": None}).status_code == 201
    given = document["components"]["schemas"]["FeedbackAnswer"]["examples"][0]
    assert given.keys() == {"event_id", "prediction_id", "label"}


def test_before_the_first_release_nothing_is_taken(live_place: LivePlace) -> None:
    with live_place.serve() as served:
        answer = send(served, make_event("0" * 32))
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        served.process.send_signal(signal.SIGINT)
