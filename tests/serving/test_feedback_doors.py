"""Who may correct where keys are on: by a key with the scope, or by a token of such a key."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import pytest

from serving.tokens import mint_token
from tasks.privacy import pseudonym
from tests.project import REPOSITORY
from tests.serving.conftest import Bundles
from tests.serving.corrections import make_event, predict_one, send, stored_events
from tests.serving.live_place import LivePlace, Served, wait_for
from tests.serving.test_api_keys import make_key, run


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, bundles: Bundles) -> LivePlace:
    place = LivePlace(tmp_path_factory.mktemp("live"))
    place.write_params(
        require_api_keys=True, key_refresh_seconds=0.1, feedback__max_token_hours=48.0
    )
    place.point(place.release("v1.0.0", bundles.first))
    make_key(place, "first", "admin")
    return place


@pytest.fixture(scope="module")
def served(place: LivePlace) -> Iterator[Served]:
    with place.serve() as served:
        yield served


def test_a_token_lets_one_person_correct_and_no_more(place: LivePlace, served: Served) -> None:
    key = new_key(place, served, "shop", "predict", "feedback")
    key_id = key.split("_")[1]
    token = mint_token(key, "ann", 24)
    prediction_id = predict_one(served, authorization=f"Bearer {key}")["prediction_id"]
    unnamed, named = make_event(prediction_id, rater=None), make_event(prediction_id, rater="ann")
    assert [send(served, event, token).status_code for event in (unnamed, named)] == [201, 201]
    answer = send(served, make_event(prediction_id, rater="bob"), token)
    assert (answer.status_code, "another person" in answer.json()["detail"]) == (403, True)
    events = stored_events(place.folder)
    found = [(events[event["event_id"]]["client"], events[event["event_id"]]["rater"])
             for event in (unnamed, named)]  # fmt: skip
    assert found == [(key_id, pseudonym(key_id, "ann"))] * 2
    assert send(served, named, key).status_code == 200, "the key's holder may say the same"
    header = {"authorization": f"Bearer {token}"}
    assert served.predict("good", **header).status_code == 401
    for path in ("/v1/model", "/metrics"):
        assert httpx.get(f"{served.url}{path}", headers=header).status_code == 401
    assert httpx.get(f"{served.admin_url}/v1/state", headers=header).status_code == 401


def test_a_token_may_be_for_one_prediction(place: LivePlace, served: Served) -> None:
    key = new_key(place, served, "one", "predict", "feedback")
    one, other = (
        predict_one(served, authorization=f"Bearer {key}")["prediction_id"] for _ in range(2)
    )
    token = mint_token(key, "ann", 24, one)
    assert send(served, make_event(one, rater=None), token).status_code == 201
    answer = send(served, make_event(other, rater=None), token)
    assert (answer.status_code, "another prediction" in answer.json()["detail"]) == (403, True)


def test_who_has_no_right_is_told_so_and_nothing_is_stored(
    place: LivePlace, served: Served
) -> None:
    key = new_key(place, served, "wide", "predict", "feedback")
    narrow = new_key(place, served, "narrow", "predict")
    prediction_id = predict_one(served, authorization=f"Bearer {key}")["prediction_id"]
    event = make_event(prediction_id, rater="ann")
    forged = mint_token(f"fw_{key.split('_')[1]}_guess", "ann", 24)
    wrong = {"": 401, key[:-1]: 401, forged: 401, mint_token(key, "ann", 49): 401,
             mint_token(key, "ann", -1): 401, mint_token(key, "ann", 1)[:-3]: 401,
             narrow: 403, mint_token(narrow, "ann", 24): 403}  # fmt: skip
    assert {bearer: send(served, event, bearer).status_code for bearer in wrong} == wrong
    assert event["event_id"] not in stored_events(place.folder)


def test_a_revoked_key_ends_its_tokens(place: LivePlace, served: Served) -> None:
    key = new_key(place, served, "gone", "predict", "feedback")
    token = mint_token(key, "ann", 24)
    prediction_id = predict_one(served, authorization=f"Bearer {key}")["prediction_id"]
    assert send(served, make_event(prediction_id, rater=None), token).status_code == 201
    run(place.folder, "serving.keys", "revoke", key.split("_")[1])
    wait_for(lambda: send(served, make_event(prediction_id, rater=None), token).status_code == 401)


def test_a_renewed_key_ends_the_old_one_and_people_stay_who_they_are(
    place: LivePlace, served: Served
) -> None:
    old = new_key(place, served, "yearly", "predict", "feedback")
    key_id, token = old.split("_")[1], mint_token(old, "ann", 24)
    prediction_id = predict_one(served, authorization=f"Bearer {old}")["prediction_id"]
    event = make_event(prediction_id, rater="ann")
    assert send(served, event, token).status_code == 201
    new = run(place.folder, "serving.keys", "renew", key_id).stdout.strip()
    wait_for(lambda: send(served, event, old).status_code == 401)
    assert send(served, event, token).status_code == 401
    assert send(served, event, mint_token(new, "ann", 24)).status_code == 200, "she said it before"
    later = make_event(prediction_id, rater="ann")
    assert send(served, later, new).status_code == 201
    events = stored_events(place.folder)
    assert len({events[one["event_id"]]["rater"] for one in (event, later)}) == 1


@pytest.mark.slow
def test_the_command_line_makes_tokens_without_store_or_service(
    place: LivePlace, served: Served
) -> None:
    key = new_key(place, served, "cli", "predict", "feedback")
    prediction_id = predict_one(served, authorization=f"Bearer {key}")["prediction_id"]
    made = mint(place, key, "--rater", "ann", "--hours", "24", "--prediction", prediction_id)
    assert made.returncode == 0, made.stderr
    assert send(served, make_event(prediction_id, rater=None), made.stdout.strip()).is_success
    for arguments, said in (
        ((key, "--rater", "ann", "--hours", "49"), "max_token_hours"),
        ((key, "--rater", "ann", "--hours", "nan"), "max_token_hours"),
        (("", "--rater", "ann", "--hours", "1"), "FLYWHEEL_API_KEY is not set"),
        (("fw_x", "--rater", "ann", "--hours", "1"), "the key is none"),
    ):
        failed = mint(place, *arguments)
        assert (failed.returncode, failed.stdout) == (1, "")
        assert failed.stderr.startswith("keys failed: ")
        assert said in failed.stderr
        assert failed.stderr.count("\n") == 1


def mint(place: LivePlace, key: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "serving.keys", "token", *arguments], cwd=place.folder, text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "FLYWHEEL_API_KEY": key,
             "FLYWHEEL_STORE": "sqlite:////nowhere/store.db"},
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip


def new_key(place: LivePlace, served: Served, name: str, *scopes: str) -> str:
    """One that the service knows by now."""
    key = make_key(place, name, *scopes)
    header = {"authorization": f"Bearer {key}"}
    deadline = time.monotonic() + 20
    while httpx.get(f"{served.url}/v1/model", headers=header).status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return key
