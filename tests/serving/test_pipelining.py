"""Clients that do not wait for their answers, or do not take them, end by themselves."""

import contextlib
import json
import socket
import struct
import time
from collections.abc import Iterator

import httpx
import psutil
import pytest

from tests.serving.conftest import Bundles
from tests.serving.connections import HEAD, MEGABYTE, connected, read_all, send_much
from tests.serving.live_place import LivePlace, Served, wait_for

HOST = b"Host: 127.0.0.1\r\n"
LONG_ANSWER = b"GET /openapi.json HTTP/1.1\r\n" + HOST + b"\r\n"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, bundles: Bundles) -> Iterator[Served]:
    place = LivePlace(tmp_path_factory.mktemp("live"))
    place.write_params(
        limits__header_seconds=1.0, limits__body_seconds=1.5, limits__keep_alive_seconds=1.0
    )
    place.point(place.release("v1.0.0", bundles.first))
    with place.serve() as served:
        yield served


def worker_of(served: Served) -> psutil.Process:
    (worker,) = psutil.Process(served.process.pid).children()
    return worker


def num_connections(served: Served) -> int:
    """That the service holds."""
    all_ = worker_of(served).net_connections()
    return sum(each.status == "ESTABLISHED" and each.laddr.port == served.port for each in all_)


def test_whoever_sends_without_reading_is_left(served: Served) -> None:
    """Each short answer once let another 256 KB of requests in, 20 times as large in memory."""
    assert served.predict("good").status_code == 200
    before = worker_of(served).memory_info().rss
    with connected(served) as connection:
        short_answer = b"GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaa HTTP/1.1\r\n" + HOST + b"\r\n"
        assert len(short_answer) == 64
        assert send_much(connection, short_answer * 256, 10 * MEGABYTE) < 5 * MEGABYTE
        assert num_connections(served) == 0
    assert worker_of(served).memory_info().rss - before < 32 * MEGABYTE


@pytest.mark.slow
def test_answers_that_nobody_takes_are_thrown_away_in_time(served: Served) -> None:
    """One after the other, slowly: more than the two sockets hold."""
    with connected(served) as connection:
        connection.settimeout(1)
        with contextlib.suppress(OSError):
            for _ in range(1500):
                connection.sendall(LONG_ANSWER)
                time.sleep(0.004)
        wait_for(lambda: num_connections(served) == 0, 6)


@pytest.mark.slow
@pytest.mark.parametrize("head", [b"Content-Length: 60000\r\n", b""], ids=["body", "blank lines"])
def test_bytes_that_nobody_reads_do_not_extend_a_connection(served: Served, head: bytes) -> None:
    with connected(served) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\n" + HOST + head + b"\r\n")
        started = time.monotonic()
        with contextlib.suppress(OSError):
            while time.monotonic() - started < 8:
                connection.sendall(b"\r\n")
                time.sleep(0.3)
        assert time.monotonic() - started < 5


def test_the_beginning_of_the_next_request_may_come_with_a_long_one(served: Served) -> None:
    body = json.dumps({"texts": ["good " * 500] * 8}).encode()
    with connected(served) as connection:
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body + b"GET /hea")
        time.sleep(0.1)
        connection.sendall(b"lthz HTTP/1.1\r\nConnection: close\r\n" + HOST + b"\r\n")
        answers = read_all(connection)
    assert answers.count(b"HTTP/1.1 200 OK") == 2


def counted(served: Served, route: str, status: int) -> float:
    line = f'flywheel_requests_total{{route="{route}",status="{status}"}} '
    page = httpx.get(f"{served.url}/metrics").text
    return sum(float(each.removeprefix(line)) for each in page.splitlines() if line in each)


@pytest.mark.parametrize(
    ("sent", "status"), [(b"", 408), (b"GARBAGE\r\n\r\n", 400), (b"X" * 17_000, 431)]
)
def test_refusals_that_reach_no_route_are_counted(served: Served, sent: bytes, status: int) -> None:
    before = counted(served, "none", status)
    with connected(served) as connection:
        connection.sendall(b"GET /" + sent if status == 431 else sent)
        assert read_all(connection).startswith(b"HTTP/1.1 %d " % status)
    assert counted(served, "none", status) == before + 1


def test_whoever_leaves_in_mid_body_is_no_error_of_ours(served: Served) -> None:
    before = counted(served, "/v1/predict", 499)

    def is_counted() -> bool:
        """Of one that leaves a service too busy to see it the time may end first, with 408."""
        with connected(served) as connection:
            connection.sendall(HEAD + b"Content-Length: 200\r\n\r\n" + b'{"texts')
            time.sleep(0.1)
        time.sleep(0.1)
        return counted(served, "/v1/predict", 499) > before

    wait_for(is_counted)
    assert counted(served, "/v1/predict", 500) == 0
    assert "Traceback" not in served.log.read_text()


@pytest.mark.slow
def test_whoever_leaves_in_mid_pipeline_is_no_error_of_ours(served: Served) -> None:
    """uvicorn tells only the newest request of a connection that nobody waits any more."""
    body = json.dumps({"texts": ["good"] * 40}).encode()
    request = HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    for number in range(60):
        with connected(served) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.sendall(request * 6)
            time.sleep(0.001 * number)
    assert served.predict("good").status_code == 200
    assert "Traceback" not in served.log.read_text()
