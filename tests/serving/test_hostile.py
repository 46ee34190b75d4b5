"""Requests that mean harm: nothing but clear refusals, nothing stored, no memory kept."""

import json
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from sqlalchemy import create_engine, func, select

from benchmarks.serving.load import Place, post, run_load
from serving.store.tables import PREDICTIONS
from tests.serving.conftest import Bundles
from tests.serving.live_place import LivePlace, Served

MEBIBYTE = 2**20
NUM_BODIES = int(os.environ.get("BODIES", "10_000"))
REFUSALS = {413, 415, 422, 503}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, bundles: Bundles) -> LivePlace:
    place = LivePlace(tmp_path_factory.mktemp("live"))
    place.write_params(batch__max_waiting_texts=10_000)  # or most bodies are refused unread
    place.point(place.release("v1.0.0", bundles.first))
    return place


@pytest.fixture(scope="module")
def served(place: LivePlace) -> Iterator[Served]:
    with place.serve() as served:
        yield served


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.slow
def test_every_route_keeps_to_the_document_whatever_is_sent(
    served: Served, mode: GenerationMode
) -> None:
    document = schemathesis.openapi.from_url(f"{served.url}/openapi.json")
    operations = [operation.ok() for operation in document.get_all_operations()]
    assert len(operations) == 6
    for operation in operations:
        if mode is GenerationMode.NEGATIVE and operation.method == "get":
            continue  # there is nothing in it to get wrong

        @given(operation.as_strategy(generation_mode=mode))
        @settings(
            max_examples=100,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        def keeps_to_it(case: schemathesis.Case) -> None:
            case.call_and_validate(excluded_checks=[not_a_server_error])

        keeps_to_it()


def worker_of(served: Served) -> psutil.Process:
    (worker,) = psutil.Process(served.process.pid).children()
    return worker


def good_body(random_: random.Random) -> bytes:
    return json.dumps({"texts": ["many"] * random_.randrange(1, 60)}).encode()


def cut_body(random_: random.Random) -> bytes:
    body = good_body(random_)
    return body[: random_.randrange(len(body))]


def bent_body(random_: random.Random) -> bytes:
    body = bytearray(good_body(random_))
    for _ in range(random_.randrange(1, 9)):
        body[random_.randrange(len(body))] = random_.randrange(256)
    return bytes(body)


def odd_texts(random_: random.Random) -> bytes:
    texts = [
        "\u202e",
        "a\0b",
        "\ud83d",
        "x" * random_.randrange(30_000),
        "\\ud800",
        '"}',
        "\U0001d518",
    ]
    content = json.dumps({"texts": random_.sample(texts, 2)}, ensure_ascii=False)
    return content.encode("utf-8", "surrogatepass")


def deep_body(random_: random.Random) -> bytes:
    return b'{"texts":' + random_.choice([b"[", b'{"a":']) * random_.randrange(1, 5000)


def noise(random_: random.Random) -> bytes:
    return random_.randbytes(random_.randrange(2000))


def odd_values(random_: random.Random) -> bytes:
    value = random_.choice(["NaN", "-Infinity", "1e999", "0" * 999, "true", "null", "{}"])
    return f'{{"texts": [{value}, "a"]}}'.encode()


def many_fields(random_: random.Random) -> bytes:
    fields = ",".join(f'"k{number}": {number}' for number in range(random_.randrange(500)))
    return f'{{"texts": ["a"], {fields}}}'.encode()


def other_encoding(random_: random.Random) -> bytes:
    return good_body(random_).decode().encode(random_.choice(["utf-16", "utf-32", "utf-7"]))


KINDS = [good_body, cut_body, bent_body, odd_texts, deep_body, noise, odd_values, many_fields,
         other_encoding]  # fmt: skip


@pytest.mark.slow
def test_thousands_of_bodies_get_no_other_server_error_than_503_and_leave_no_memory(
    served: Served, place: LivePlace
) -> None:
    target = Place("127.0.0.1", served.port, "/v1/predict")
    random_ = random.Random(0)
    good = post(target, {"texts": ["good"]})
    head = good.split(b"Content-Length", 1)[0]

    def request(body: bytes) -> bytes:
        return head + b"Content-Length: %d\r\n\r\n" % len(body) + body

    num_stored = stored(place.folder)

    def count(body: bytes) -> None:
        nonlocal num_stored
        num_stored += len(json.loads(body)["predictions"])

    run_load(target, [request(KINDS[n % len(KINDS)](random_)) for n in range(500)], 8, check=count)
    worker = worker_of(served)
    before = worker.memory_info().rss
    bodies = [request(KINDS[n % len(KINDS)](random_)) for n in range(NUM_BODIES)]
    load = run_load(target, bodies, 8, check=count)
    assert load.failures == {}
    assert set(load.statuses) <= {200, *REFUSALS}
    assert load.statuses[422] > NUM_BODIES / 3
    assert load.statuses[200] > NUM_BODIES / 20
    assert load.statuses.total() == NUM_BODIES
    assert worker.memory_info().rss - before <= 64 * MEBIBYTE
    assert worker_of(served) == worker, "it has not died meanwhile"
    assert stored(place.folder) == num_stored


def stored(folder: Path) -> int:
    """Predictions in the store once the log has written what waits."""
    engine = create_engine(f"sqlite:///{folder}/live/store.db")
    counts = [-2, -1]
    while counts[-1] != counts[-2]:
        time.sleep(0.5)
        with engine.connect() as connection:
            query = select(func.count()).select_from(PREDICTIONS)
            counts.append(connection.execute(query).scalar_one())
    engine.dispose()
    return counts[-1]
