"""A load on an HTTP service: so many clients, each with one request at a time, as fast as it can.

It parses no more than it must, since it shares the machine with what it measures.
"""

import asyncio
import json
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import uvloop

Check = Callable[[bytes], None]  # of the body of each answer 200; raises what is then counted


class Place(NamedTuple):
    host: str
    port: int
    path: str


@dataclass
class Load:
    """What came of it."""

    seconds: list[float] = field(default_factory=list)  # of each answer 200
    statuses: Counter[int] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)  # requests without a whole answer
    duration: float = 0.0
    last_refusal: bytes = b""  # the whole of the last answer that was not 200

    @property
    def per_second(self) -> float:
        return len(self.seconds) / self.duration


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
    load = Load()
    waiting = iter(requests)

    async def all_clients() -> None:
        end = time.perf_counter() + seconds
        clients = [_client(place, waiting, end, load, check) for _ in range(num_clients)]
        started = time.perf_counter()
        await asyncio.gather(*clients)
        load.duration = time.perf_counter() - started

    uvloop.run(all_clients())
    return load


async def _client(
    place: Place, requests: Iterator[bytes], end: float, load: Load, check: Check
) -> None:
    """One after the other; a connection that the server asks to close is opened anew."""
    reader, writer = None, None
    while time.perf_counter() < end and (request := next(requests, None)):
        started = time.perf_counter()
        try:
            if reader is None or writer is None:
                reader, writer = await asyncio.open_connection(place.host, place.port)
            writer.write(request)
            head, body = await _read_answer(reader)
            status, is_last = int(head[9:12]), b"\r\nconnection: close" in head
            if status == 200:
                check(body)
                load.seconds.append(time.perf_counter() - started)
            else:
                load.last_refusal = head + body
            load.statuses[status] += 1
        except (OSError, EOFError, ValueError, AssertionError) as error:
            load.failures[f"{type(error).__name__}: {error}"[:200]] += 1
            is_last = True
        if is_last and writer is not None:
            writer.close()
            reader, writer = None, None
    if writer is not None:
        writer.close()


async def _read_answer(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Head, in small letters, and body."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
    return head, await reader.readexactly(length)
