"""What is turned away unread: whole, plain predict requests, and only while the queue is full."""

import itertools
import socket
import threading
import time

import httpx
import pytest

from benchmarks.serving.load import Place, post, run_load
from serving.turnstile import is_whole_and_plain
from tests.serving.conftest import Bundles
from tests.serving.live_place import LivePlace

ASKED = {"texts": ["good"]}
REQUEST = post(Place("127.0.0.1", 8000, "/v1/predict"), ASKED)
HEAD, BODY = REQUEST.split(b"\r\n\r\n")


def with_header(line: bytes) -> bytes:
    return HEAD + b"\r\n" + line + b"\r\n\r\n" + BODY


def test_a_plain_request_is_known_as_one() -> None:
    assert is_whole_and_plain(REQUEST)
    assert is_whole_and_plain(REQUEST.replace(b"Content-Length", b"content-LENGTH"))
    assert is_whole_and_plain(with_header(b"Authorization: Bearer fw_x"))
    assert is_whole_and_plain(REQUEST.replace(b"Connection: keep-alive\r\n", b""))


@pytest.mark.parametrize(
    "data",
    [
        *(REQUEST[:end] for end in range(len(REQUEST))),
        REQUEST + b"P",
        REQUEST + REQUEST,
        REQUEST.replace(b"POST", b"GET"),
        REQUEST.replace(b"/v1/predict", b"/v1/feedback"),
        REQUEST.replace(b"/v1/predict", b"/v1/predict?a=1"),
        REQUEST.replace(b"HTTP/1.1", b"HTTP/1.0"),
        REQUEST.replace(b"keep-alive", b"close"),
        REQUEST.replace(b"Content-Length", b"X-Length"),
        REQUEST.replace(b"Content-Length: ", b"Content-Length: +"),
        with_header(b"Content-Length: 0"),
        with_header(b"content-length: %d" % len(BODY)),
        with_header(b"Transfer-Encoding: chunked"),
        with_header(b"Expect: 100-continue"),
        with_header(b"Upgrade: h2c"),
        with_header(b"Connection:close"),
    ],
)
def test_whatever_else_comes_is_read_with_care(data: bytes) -> None:
    assert not is_whole_and_plain(data)


def test_a_connection_goes_on_after_a_refusal(live_place: LivePlace, bundles: Bundles) -> None:
    live_place.write_params(batch__max_waiting_texts=1, model__threads=1)
    live_place.point(live_place.release("v1.0.0", bundles.first))
    with live_place.serve() as served:
        target = Place("127.0.0.1", served.port, "/v1/predict")
        request = post(target, {"texts": ["the film was good. " * 60]})
        load = run_load(target, itertools.repeat(request), 8, 2)
        assert load.failures == {}
        assert load.statuses[503] > 100
        assert load.statuses[200] > 10
        assert load.last_refusal.endswith(b'\r\n\r\n{"detail":"too many texts wait"}')
        page = httpx.get(f"{served.url}/metrics", timeout=30).text
        counted = 'flywheel_requests_total{route="/v1/predict",status="503"} '
        assert f"{counted}{load.statuses[503]:.1f}" in page
        with httpx.Client() as client:  # one connection
            for _ in range(3):
                assert client.post(f"{served.url}/v1/predict", json=ASKED).status_code == 200


@pytest.mark.slow
def test_a_connection_that_is_refused_lives_as_long_as_any_other(
    live_place: LivePlace, bundles: Bundles
) -> None:
    """The idle time counts from the last refusal: neither earlier nor never does it end."""
    live_place.write_params(
        batch__max_waiting_texts=1, model__threads=1, limits__keep_alive_seconds=1.0
    )
    live_place.point(live_place.release("v1.0.0", bundles.first))
    with live_place.serve() as served:
        target = Place("127.0.0.1", served.port, "/v1/predict")
        slow = itertools.repeat(post(target, {"texts": ["the film was good. " * 60] * 64}))
        others = threading.Thread(target=lambda: run_load(target, slow, 4, 4))
        others.start()
        time.sleep(0.5)
        with socket.create_connection(target[:2], 5) as connection:
            statuses = [ask(connection) for _ in range(15)]
            started = time.monotonic()
            assert connection.recv(1) == b""  # closed
            idle_seconds = time.monotonic() - started
        others.join()
    assert statuses.count(503) > 10
    assert 0.5 < idle_seconds < 3.0
    assert statuses.count(503) + statuses.count(200) == 15


def ask(connection: socket.socket) -> int:
    """Each some time after the last, so that all take longer than the idle time."""
    time.sleep(0.15)
    connection.sendall(REQUEST)
    received = b""
    while not received.endswith(b"}"):
        received += connection.recv(65536)
    return int(received[9:12])
