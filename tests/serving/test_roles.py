"""Live, canary and shadow, and what the store keeps of their answers."""

import hashlib
from collections import Counter
from typing import Any

import httpx
import pytest
from sqlalchemy import Row, create_engine, select

from serving.fleet import is_in_share
from serving.store.tables import PREDICTIONS
from tasks.text import normalise
from tests.serving.conftest import Bundles
from tests.serving.live_place import LivePlace, wait_for

TEXTS = [f"the film was good {number}" for number in range(40)]


def rows_of(live_place: LivePlace) -> "list[Row[Any]]":
    engine = create_engine(f"sqlite:///{live_place.place.folder}/store.db")
    with engine.connect() as connection:
        rows = list(connection.execute(select(PREDICTIONS)))
    engine.dispose()
    return rows


def test_a_canary_answers_its_share_the_same_texts_each_time(
    live_place: LivePlace, bundles: Bundles
) -> None:
    live_place.write_params(model__canary_share=0.3)
    first = live_place.release("v1.0.0", bundles.first)
    second = live_place.release("v1.1.0", bundles.second)
    live_place.point(first, canary=second)
    with live_place.serve() as served:
        for _ in range(2):
            for text in TEXTS:
                (found,) = served.predict(text).json()["predictions"]
                expected = "v1.1.0" if is_in_share([text], 0.3) else "v1.0.0"
                assert found["model_version"] == expected
        state = httpx.get(f"{served.admin_url}/v1/state").json()
    num_canary = 2 * sum(is_in_share([text], 0.3) for text in TEXTS)
    assert 0 < num_canary < len(TEXTS)
    assert state["canary"]["num_requests"] == num_canary
    assert state["live"]["num_requests"] == 2 * len(TEXTS) - num_canary
    roles = Counter((row.role, row.model_version) for row in rows_of(live_place))
    assert roles == {("canary", "v1.1.0"): num_canary, ("live", "v1.0.0"): 80 - num_canary}


def test_a_shadow_is_logged_and_compared_and_never_answers(
    live_place: LivePlace, bundles: Bundles
) -> None:
    first = live_place.release("v1.0.0", bundles.first)
    second = live_place.release("v1.1.0", bundles.second)
    live_place.point(first, shadow=second)
    with live_place.serve() as served:
        answers = [served.predict(text).json()["predictions"][0] for text in TEXTS]

        def traffic() -> dict[str, Any]:
            found: dict[str, Any] = httpx.get(f"{served.admin_url}/v1/state").json()["shadow"]
            return found

        wait_for(lambda: traffic()["num_compared"] == len(TEXTS))
        num_disagreed = traffic()["num_disagreed"]
    assert {answer["model_version"] for answer in answers} == {"v1.0.0"}
    rows = rows_of(live_place)
    assert Counter(row.role for row in rows) == {"live": 40, "shadow": 40}
    labels = {role: {row.text: row.label for row in rows if row.role == role}
              for role in ("live", "shadow")}  # fmt: skip
    assert num_disagreed == sum(labels["live"][text] != labels["shadow"][text] for text in TEXTS)
    assert num_disagreed > 0, "two networks of random weights"


@pytest.mark.parametrize("keep", ["text", "hash", "nothing"])
def test_each_answer_is_in_the_store_with_as_much_of_the_text_as_the_policy_says(
    live_place: LivePlace, bundles: Bundles, keep: str
) -> None:
    live_place.write_params(prediction_log__keep=keep)
    live_place.point(live_place.release("v1.0.0", bundles.first))
    text = "  caf\u00e9 &amp; more,\u200b please  "
    with live_place.serve() as served:
        (answer,) = served.predict(text).json()["predictions"]
    (row,) = rows_of(live_place)
    assert row.prediction_id == answer["prediction_id"]
    assert (row.label, row.model_version) == (answer["label"], "v1.0.0")
    assert row.probabilities == list(answer["probabilities"].values())
    assert row.latency_ms > 0
    digest = hashlib.sha256(normalise(text).encode()).hexdigest()
    assert row.text == (text if keep == "text" else None)
    assert row.text_sha256 == (None if keep == "nothing" else digest)


def test_while_the_store_is_away_answers_are_given_all_the_same(
    live_place: LivePlace, bundles: Bundles
) -> None:
    live_place.point(live_place.release("v1.0.0", bundles.first))
    nobody = "postgresql+psycopg://user:canary-secret@127.0.0.1:1/none"
    with live_place.serve({"FLYWHEEL_STORE": nobody}) as served:
        assert served.predict(*TEXTS[:5]).status_code == 200
        state = httpx.get(f"{served.admin_url}/v1/state").json()["prediction_log"]
        assert (state["written"], state["waiting"]) == (0, 5)
        wait_for(lambda: "wait, the store takes none" in served.log.read_text())
    said = served.log.read_text()
    assert "5 predictions did not reach the store" in said
    assert "canary-secret" not in said
