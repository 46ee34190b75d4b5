"""A load on an HTTP service, closed (clients that wait for their answers) or open (a given rate).

It parses no more than it must, since it shares the machine with what it measures.
"""

import asyncio
import json
import math
import time
from collections import deque
from collections.abc import Coroutine, Iterable, Iterator
from typing import Any

import uvloop

from benchmarks.serving.connection import Check, Connection, Load, Place, shown

_TICK_SECONDS = 0.001


def post(place: Place, content: object, keep_alive: bool = True) -> bytes:
    """A whole request, as bytes."""
    body = json.dumps(content).encode()
    lines = [
        f"POST {place.path} HTTP/1.1", f"Host: {place.host}:{place.port}",
        "Content-Type: application/json", f"Content-Length: {len(body)}",
        f"Connection: {'keep-alive' if keep_alive else 'close'}", "", "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode() + body


def run_load(
    place: Place, requests: Iterable[bytes], num_clients: int, seconds: float = math.inf,
    check: Check = lambda body: None,
) -> Load:  # fmt: skip
    """Send the requests in turn, each client its next when its last is answered, for so long."""
    load, waiting = Load(), iter(requests)

    async def all_clients() -> None:
        end = time.perf_counter() + seconds
        clients = [_client(place, waiting, end, load, check) for _ in range(num_clients)]
        await asyncio.gather(*clients)

    _run(all_clients(), load)
    return load


def run_open_load(
    place: Place, requests: Iterator[bytes], per_second: float, seconds: float, num_connections: int
) -> Load:
    """Send at this rate whatever comes back; a time runs from when its request was due."""
    load = Load()

    async def all_connections() -> None:
        loop = asyncio.get_running_loop()
        free: deque[Connection] = deque()
        opened = []
        for _ in range(num_connections):
            _, connection = await loop.create_connection(
                lambda: Connection(load, lambda body: None, free.append), place.host, place.port
            )
            opened.append(connection)
        await _send_at_rate(requests, per_second, seconds, free, load)
        for connection in opened:
            connection.close_when_answered()
        await asyncio.gather(*(connection.closed.wait() for connection in opened))

    _run(all_connections(), load)
    load.duration = seconds
    return load


async def _send_at_rate(
    requests: Iterator[bytes], per_second: float, seconds: float, free: "deque[Connection]",
    load: Load,
) -> None:  # fmt: skip
    start = time.perf_counter()
    num_due = 0
    while (now := time.perf_counter()) < start + seconds:
        while (due := start + num_due / per_second) <= now:
            num_due += 1
            while free and free[0].is_closed:
                free.popleft()
            if free:
                free.popleft().send(next(requests), due)
            else:
                load.num_unsent += 1
        await asyncio.sleep(_TICK_SECONDS)
    load.num_unsent += max(0, int(per_second * seconds) - num_due)  # what fell due in the last tick


def _run(work: Coroutine[Any, Any, None], load: Load) -> None:
    started, cpu_started = time.perf_counter(), time.process_time()
    uvloop.run(work)
    load.duration = time.perf_counter() - started
    load.cpu_seconds = time.process_time() - cpu_started


async def _client(
    place: Place, requests: Iterator[bytes], end: float, load: Load, check: Check
) -> None:
    """One request after the other; a connection that the server closes is opened anew."""

    def go_on(connection: "Connection") -> None:
        request = next(requests, None) if time.perf_counter() < end else None
        if request is None:
            connection.close_when_answered()
        else:
            connection.send(request, time.perf_counter())

    loop = asyncio.get_running_loop()
    while time.perf_counter() < end:
        try:
            _, connection = await loop.create_connection(
                lambda: Connection(load, check, go_on), place.host, place.port
            )
        except OSError as error:
            if next(requests, None) is None:
                return
            load.failures[shown(error)] += 1
            continue
        await connection.closed.wait()
        if connection.ended_well:
            return
