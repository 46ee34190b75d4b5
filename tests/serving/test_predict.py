"""What a client meets: answers, refusals, states; through the real service over HTTP."""

import json
from collections.abc import Iterator

import httpx
import numpy as np
import pytest

from tasks.bundle import GOLDEN, Golden, load_bundle, read_document
from tests.serving.conftest import Bundles
from tests.serving.live_place import LivePlace, Served


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, bundles: Bundles) -> Iterator[Served]:
    place = LivePlace(tmp_path_factory.mktemp("live"))
    place.write_params(limits__max_texts=100, limits__max_characters=4000)
    place.point(place.release("v1.0.0", bundles.first))
    with place.serve() as served:
        yield served


def test_the_golden_examples_come_back_through_http(served: Served, bundles: Bundles) -> None:
    golden = read_document(bundles.first / GOLDEN, Golden)
    texts = [example.text for example in golden.examples]
    answer = served.predict(*texts)
    assert answer.status_code == 200
    precision = httpx.get(f"{served.url}/v1/model").json()["precision"]
    expected = np.array([example.probs[precision] for example in golden.examples])
    predictions = answer.json()["predictions"]
    found = np.array([list(each["probabilities"].values()) for each in predictions])
    assert np.abs(found - expected).max() <= golden.tolerance[precision]
    classes = load_bundle(bundles.first).label_set.classes
    assert [each["label"] for each in predictions] == [classes[row.argmax()] for row in found]
    assert all(tuple(each["probabilities"]) == classes for each in predictions)
    assert {each["model_version"] for each in predictions} == {"v1.0.0"}
    assert len({each["prediction_id"] for each in predictions}) == len(texts)


def test_a_text_gets_the_same_answer_alone_and_in_company(served: Served) -> None:
    texts = ["the film was good", "x", "not awful! " * 20, "", "food"] * 7
    together = served.predict(*texts).json()["predictions"]
    alone = [served.predict(text).json()["predictions"][0] for text in texts[:5]]
    for one, other in zip(alone, together, strict=False):
        assert one["probabilities"] == other["probabilities"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "Invalid JSON"),
        (b"{", "Invalid JSON"),
        (b"[]", "object"),
        (b'{"texts": []}', "at least 1 item"),
        (b'{"texts": "one"}', "valid list"),
        (b'{"texts": [1]}', "valid string"),
        (b'{"texts": [null]}', "valid string"),
        (b'{"texts": [NaN]}', "Invalid JSON"),
        (b'{"texts": [Infinity]}', "Invalid JSON"),
        (b'{"texts": [1e999]}', "valid string"),
        (b'{"texts": ["a"], "more": 1}', "Extra inputs"),
        (b'{"Texts": ["a"]}', "Extra inputs"),
        (b"{}", "Field required"),
        (b'{"texts": ["\\ud800"]}', "Invalid JSON"),
        (b'{"texts": ["\xed\xa0\x80"]}', "Invalid JSON"),
        (b'{"texts": ["a\\u0000b"]}', "NUL"),
        (b'{"texts": ["\x00"]}', "Invalid JSON"),
        ('{"texts": ["a"]}'.encode("utf-16"), "Invalid JSON"),
        (b"[" * 100_000, "Invalid JSON"),
        (json.dumps({"texts": ["a"] * 101}).encode(), "at most 100 texts"),
        (json.dumps({"texts": ["a" * 4001]}).encode(), "at most 4000 characters"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_is_not_as_the_schema_says_is_refused(
    served: Served, body: bytes, message: str
) -> None:
    answer = httpx.post(
        f"{served.url}/v1/predict", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 422
    assert message in " ".join(part["msg"] for part in answer.json()["detail"])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/predict", 405), ("POST", "/v1/model", 405), ("GET", "/v1/nothing", 404),
        ("GET", "/v1/reload", 404), ("GET", "/v1/state", 404), ("GET", "/docs", 200),
        ("GET", "/../params.yaml", 404), ("GET", "/healthz", 200), ("GET", "/readyz", 200),
    ],
)  # fmt: skip
def test_each_route_has_its_methods_and_the_admin_has_none_here(
    served: Served, method: str, path: str, status: int
) -> None:
    assert httpx.request(method, f"{served.url}{path}").status_code == status


def test_another_content_type_is_refused_so_that_no_web_page_can_ask(served: Served) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        headers = {"content-type": kind}
        answer = httpx.post(f"{served.url}/v1/predict", content=b'{"texts":["a"]}', headers=headers)
        assert answer.status_code == 415
    kind = {"content-type": "Application/JSON; charset=utf-8"}
    answer = httpx.post(f"{served.url}/v1/predict", content=b'{"texts":["a"]}', headers=kind)
    assert answer.status_code == 200


def test_a_name_that_is_not_this_machines_is_refused_where_keys_are_off(served: Served) -> None:
    for url in (served.url, served.admin_url):
        answer = httpx.get(f"{url}/readyz", headers={"host": "evil.example.org"})
        assert answer.status_code == 400


def test_the_metrics_count_what_was_answered(served: Served) -> None:
    name = 'flywheel_requests_total{route="/v1/predict",status="200"}'

    def count() -> float:
        lines = httpx.get(f"{served.url}/metrics").text.splitlines()
        return next((float(line.split()[1]) for line in lines if line.startswith(name)), 0.0)

    before = count()
    served.predict("good", "bad")
    httpx.get(f"{served.url}/{'x' * 50}")  # what clients ask for never becomes a label
    assert count() == before + 1
    page = httpx.get(f"{served.url}/metrics").text
    assert 'route="other",status="404"' in page
    assert "xxx" not in page


def test_the_document_describes_what_is_really_taken_and_given(served: Served) -> None:
    document = httpx.get(f"{served.url}/openapi.json").json()
    predict = document["paths"]["/v1/predict"]["post"]
    content = predict["requestBody"]["content"]["application/json"]
    example = content["schema"]["examples"][0]
    assert httpx.post(f"{served.url}/v1/predict", json=example).status_code == 200
    assert {"200", "413", "422", "429", "503"} <= predict["responses"].keys()
    assert "security" not in predict, "keys are off"


def test_before_the_first_release_it_is_alive_but_not_ready(
    live_place: LivePlace, bundles: Bundles
) -> None:
    with live_place.serve() as served:
        assert httpx.get(f"{served.url}/healthz").status_code == 200
        assert httpx.get(f"{served.url}/readyz").status_code == 503
        assert "make run" in httpx.get(f"{served.url}/readyz").json()["detail"]
        assert served.predict("a").status_code == 503
        live_place.point(live_place.release("v1.0.0", bundles.first))
        assert served.reload()["live"]["version"] == "v1.0.0"
        assert served.predict("a").status_code == 200
