"""Clients that are slow, long-winded or never end: each has its bound; the others are served."""

import contextlib
import time
from collections.abc import Iterator

import httpx
import psutil
import pytest

from tests.serving.conftest import Bundles
from tests.serving.connections import HEAD, MEGABYTE, connected, read_all, send_much
from tests.serving.live_place import LivePlace, Served


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, bundles: Bundles) -> Iterator[Served]:
    place = LivePlace(tmp_path_factory.mktemp("live"))
    place.write_params(
        limits__header_seconds=1.0, limits__body_seconds=1.5, limits__keep_alive_seconds=1.0
    )
    place.point(place.release("v1.0.0", bundles.first))
    with place.serve() as served:
        yield served


@pytest.mark.parametrize("begun", [b"", b"POST /v1/pre", HEAD], ids=["nothing", "a word", "most"])
def test_headers_that_do_not_end_are_given_up(served: Served, begun: bytes) -> None:
    with connected(served) as connection:
        connection.sendall(begun)
        started = time.monotonic()
        assert read_all(connection).startswith(b"HTTP/1.1 408 ")
        assert 0.5 < time.monotonic() - started < 5


def test_headers_that_trickle_are_given_up_as_well(served: Served) -> None:
    with connected(served) as connection:
        started = time.monotonic()
        with contextlib.suppress(OSError):
            for byte in HEAD * 9:
                connection.sendall(bytes([byte]))
                time.sleep(0.1)
        assert time.monotonic() - started < 5


def test_a_body_that_does_not_come_is_given_up(served: Served) -> None:
    with connected(served) as connection:
        connection.sendall(HEAD + b"Content-Length: 20\r\n\r\n" + b'{"texts"')
        assert read_all(connection).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(
    "line",
    [b"X-Long: " + b"x" * 20_000 + b"\r\n", b"X-Many: x\r\n" * 3000, b"X-Open: " + b"y" * 40_000],
    ids=["one", "many", "unended"],
)  # fmt: skip
def test_long_headers_are_refused(served: Served, line: bytes) -> None:
    with connected(served) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(HEAD + line + b"\r\n")
        assert read_all(connection).startswith(b"HTTP/1.1 431 ")


def test_a_body_of_100_megabytes_is_refused_before_it_is_read(served: Served) -> None:
    with connected(served) as connection:
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % (100 * MEGABYTE))
        sent = send_much(connection, b" " * 65536, 100 * MEGABYTE)
        assert sent < 8 * MEGABYTE
        assert read_all(connection).startswith(b"HTTP/1.1 413 ")


def test_a_body_without_a_length_is_refused_when_it_is_too_long(served: Served) -> None:
    (worker,) = psutil.Process(served.process.pid).children()
    before = worker.memory_info().rss
    with connected(served) as connection:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        sent = send_much(connection, b"10000\r\n" + b" " * 65536 + b"\r\n", 100 * MEGABYTE)
        assert sent < 12 * MEGABYTE
        assert read_all(connection).startswith(b"HTTP/1.1 413 ")
    assert worker.memory_info().rss - before < 16 * MEGABYTE


@pytest.mark.parametrize(
    "head",
    [b"GARBAGE\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", b"GET / HTTP/9.9\r\n\r\n",
     HEAD + b"Content-Length: -1\r\n\r\n", HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
     HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"],
    ids=["garbage", "TLS", "version", "negative", "two lengths", "both"],
)  # fmt: skip
def test_what_is_no_http_is_refused_and_cannot_smuggle(served: Served, head: bytes) -> None:
    with connected(served) as connection:
        connection.sendall(head)
        answer = read_all(connection)
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 408 "))
    assert answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("kind", [b"text/plain", b"application/json"])
def test_a_body_that_nobody_reads_ends_the_connection(served: Served, kind: bytes) -> None:
    """Refused for its type, or sent to a route that takes none."""
    path = b"/v1/predict" if kind == b"text/plain" else b"/healthz"
    method = b"POST" if kind == b"text/plain" else b"GET"
    head = method + b" " + path + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: " + kind
    with connected(served) as connection:
        connection.sendall(head + b"\r\nContent-Length: %d\r\n\r\n" % (100 * MEGABYTE))
        assert send_much(connection, b" " * 65536, 100 * MEGABYTE) < 8 * MEGABYTE


def test_trailers_are_counted_and_nobody_keeps_them(served: Served) -> None:
    (worker,) = psutil.Process(served.process.pid).children()
    before = worker.memory_info().rss
    body = b'{"texts": ["good"]}'
    chunk = b"%x\r\n" % len(body) + body + b"\r\n0\r\n"
    with connected(served) as connection:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk)
        assert (
            send_much(connection, b"X-More: " + b"x" * 8000 + b"\r\n", 100 * MEGABYTE)
            < 8 * MEGABYTE
        )
    assert worker.memory_info().rss - before < 16 * MEGABYTE


def test_a_blank_line_does_not_keep_a_connection_for_ever(served: Served) -> None:
    with connected(served) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        answer = b""
        while b"alive" not in answer:
            answer += connection.recv(65536)
        connection.sendall(b"\r\n")
        started = time.monotonic()
        assert read_all(connection) == b""
        assert time.monotonic() - started < 5


def test_the_admin_routes_answer_no_web_page(served: Served) -> None:
    headers = {"origin": "https://evil.example.org", "content-type": "text/plain"}
    for path in ("restart", "reload"):
        assert httpx.post(f"{served.admin_url}/v1/{path}", headers=headers).status_code == 403
    assert httpx.post(f"{served.admin_url}/v1/reload").status_code == 200


def test_a_hundred_silent_connections_keep_nobody_out(served: Served) -> None:
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(connected(served)) for _ in range(100)]
        assert served.predict("good").status_code == 200
        assert all(read_all(each).startswith(b"HTTP/1.1 408 ") for each in silent)
    assert served.predict("good").status_code == 200


def test_two_requests_sent_at_once_are_answered_in_order(served: Served) -> None:
    body = b'{"texts": ["good"]}'
    request = HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    last = request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)
    with connected(served) as connection:
        connection.sendall(request + b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" + last)
        answers = read_all(connection).split(b"HTTP/1.1 200 OK")[1:]
    assert ["predictions" in each.decode() for each in answers] == [True, False, True]
