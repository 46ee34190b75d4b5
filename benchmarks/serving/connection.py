"""A connection that sends one request at a time, and what came of all of them."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Check = Callable[[bytes], None]  # of the body of each answer 200; raises what is then counted


class Place(NamedTuple):
    host: str
    port: int
    path: str


@dataclass
class Load:
    """What came of it."""

    seconds: list[float] = field(default_factory=list)  # of each answer 200
    refused_seconds: list[float] = field(default_factory=list)  # of each other answer
    statuses: Counter[int] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)  # requests without a whole answer
    num_unsent: int = 0  # due in an open load, but no connection was free
    duration: float = 0.0
    cpu_seconds: float = 0.0  # that the load itself took
    last_refusal: bytes = (
        b""  # the whole of the last answer that was not 200, its head in small letters
    )

    @property
    def per_second(self) -> float:
        return len(self.seconds) / self.duration


class Connection(asyncio.Protocol):
    """One request at a time; `answered` is called when the next may be sent."""

    def __init__(self, load: Load, check: Check, answered: "Callable[[Connection], None]") -> None:
        self._load = load
        self._check = check
        self._answered = answered
        self._since: float | None = None  # when the request under way was sent, or due
        self._received = b""
        self.closed = asyncio.Event()
        self.ended_well = False  # by us, with nothing left to send

    @property
    def is_closed(self) -> bool:
        return self._transport.is_closing()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._answered(self)

    def send(self, request: bytes, since: float) -> None:
        self._since = since
        self._transport.write(request)

    def close_when_answered(self) -> None:
        self.ended_well = True
        if self._since is None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        received = self._received = self._received + data
        end = received.find(b"\r\n\r\n") + 4
        if end < 4:
            return
        try:
            head = received[:end].lower()
            length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
            if len(received) >= end + length:
                self._received = received[end + length :]
                self._take(head, received[end : end + length])
                self._next(b"\r\nconnection: close" in head)
        except (ValueError, IndexError, AssertionError) as error:
            self._fail(error)
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._since is not None:
            self._fail(exc or EOFError("closed before the answer was whole"))
        self.closed.set()

    def _take(self, head: bytes, body: bytes) -> None:
        assert self._since is not None, "an answer to no request"
        seconds = time.perf_counter() - self._since
        status = int(head[9:12])
        if status == 200:
            self._check(body)
            self._load.seconds.append(seconds)
        else:
            self._load.refused_seconds.append(seconds)
            self._load.last_refusal = head + body
        self._load.statuses[status] += 1

    def _next(self, is_last: bool) -> None:
        self._since = None
        if is_last or self.ended_well:
            self._transport.close()
        else:
            self._answered(self)

    def _fail(self, error: Exception) -> None:
        self._since = None
        self._load.failures[shown(error)] += 1


def shown(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200]
