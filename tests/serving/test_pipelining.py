"""Clients that do not wait for their answers, or do not take them, end by themselves."""

import contextlib
import time
from collections.abc import Iterator

import psutil
import pytest

from tests.serving.conftest import Bundles
from tests.serving.connections import MEGABYTE, connected, send_much
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
