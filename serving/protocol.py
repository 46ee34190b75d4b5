"""HTTP on a connection: uvicorn's own protocol, with an end to what is slow, long or idle."""

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from serving.params import LimitParams
from serving.refusals import refusal_bytes
from serving.turnstile import TurnAway

_DISCARDED_BYTES = 2**16  # of a body that nobody reads, after its answer
_MOST_WAITING = 8  # requests sent before the answer to an earlier one


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn makes one for each connection, and gives it no arguments of ours."""

    limits: LimitParams
    turn_away: TurnAway
    count_refusal: Callable[[int], None]
    _timer: asyncio.TimerHandle | None = None
    _end_timer: asyncio.TimerHandle | None = None
    _in_headers = True
    _num_bytes = 0  # of headers, then of trailers and of a body that nobody reads
    _has_ended = False  # a request, within the bytes being read
    _running: RequestResponseCycle | None = None  # of those that came, the one being answered
    _idle_until = 0.0  # what comes meanwhile and begins no request does not move it

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.limits.max_connections:
            self._refuse(503)
        else:
            self._expect_headers()

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if self._is_between_requests() and (refusal := self.turn_away(data)):
            self._answer_unread(refusal)
            return
        self._has_ended = False
        super().data_received(data)
        if self.transport.is_closing():
            self._abort_later()
            return
        if self._in_headers and not self._has_ended:  # all of it belongs to them
            self._count(len(data), self.limits.max_header_bytes)
        if self._is_idle() and not (self._timer or self.timeout_keep_alive_task):
            # uvicorn stops its timer for whatever comes, also for what begins no request
            self._close_when_idle(self._idle_until - self.loop.time())

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._expect_headers()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_headers:
            super().on_header(name, value)
        else:  # a trailer, behind a chunked body: nobody wants it
            self._count(len(name) + len(value), self.limits.max_header_bytes)

    def on_headers_complete(self) -> None:
        if len(self.pipeline) >= _MOST_WAITING:
            self.transport.close()
        self._in_headers, self._num_bytes = False, 0
        self._stop_timer()
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        self._count(size, self.limits.max_header_bytes)
        self._num_bytes = 0
        if not self.transport.is_closing():
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self.transport.is_closing():
            return
        if self.cycle.response_complete:
            self._num_bytes += len(body)
            if self._num_bytes > _DISCARDED_BYTES:
                self.transport.close()
            return
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._has_ended = True
        if not self.transport.is_closing():
            super().on_message_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._abort_later()
        elif self._is_idle():
            has_body = self.cycle.more_body  # it may still come, though nobody reads it
            self._wait(self.limits.body_seconds if has_body else self.timeout_keep_alive)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._abort_later()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._end_timer is not None and not self.transport.is_closing():
            self._end_timer.cancel()
            self._end_timer = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        if self._end_timer is not None:
            self._end_timer.cancel()
        self.pipeline.clear()
        for cycle in filter(None, (self._running, self.cycle)):  # uvicorn ends the newest alone
            cycle.disconnected = True
            cycle.scope["state"]["is_gone"] = True  # nobody waits for the answer any more
            cycle.message_event.set()
        super().connection_lost(exc)

    def timeout_keep_alive_handler(self) -> None:
        """No refusal sets the timer anew: here it is seen when the last one was."""
        if (left := self._idle_until - self.loop.time()) > 0:
            self._close_when_idle(left)
        else:
            super().timeout_keep_alive_handler()
            self._abort_later()

    def _abort_later(self) -> None:
        """What a client does not take in time is thrown away: closing alone would wait for it."""
        if self._end_timer is None:
            self._end_timer = self.loop.call_later(self.limits.body_seconds, self.transport.abort)

    def _wait(self, seconds: float) -> None:
        self._idle_until = self.loop.time() + seconds
        if self.timeout_keep_alive_task is None or seconds < self.timeout_keep_alive:
            self._unset_keepalive_if_required()
            self._close_when_idle(seconds)

    def _close_when_idle(self, seconds: float) -> None:
        later = self.loop.call_later(seconds, self.timeout_keep_alive_handler)
        self.timeout_keep_alive_task = later

    def _answer_unread(self, answer: bytes) -> None:
        self._stop_timer()
        self.transport.write(answer)
        self._wait(self.timeout_keep_alive)

    def _is_between_requests(self) -> bool:
        """All that has come is answered, and the client takes what it is answered."""
        if self.flow.write_paused:
            return False
        if self.cycle is None:
            return self._num_bytes == 0
        return self._is_idle() and not (self.cycle.more_body or self._in_headers)

    def _is_idle(self) -> bool:
        return self.cycle is None or (self.cycle.response_complete and not self.pipeline)

    def _count(self, num_bytes: int, most: int) -> None:
        self._num_bytes += num_bytes
        if self._num_bytes > most:
            self._refuse(431)

    def _expect_headers(self) -> None:
        self._stop_timer()
        self._in_headers, self._num_bytes = True, 0
        self._timer = self.loop.call_later(self.limits.header_seconds, self._refuse, 408)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def send_400_response(self, msg: str) -> None:
        if not self.transport.is_closing():
            self.count_refusal(400)
            super().send_400_response(msg)

    def _refuse(self, status: int) -> None:
        if self.transport.is_closing():
            return
        self.count_refusal(status)
        self.transport.write(refusal_bytes(status))
        self.transport.close()
        self._abort_later()


def bounded_protocol(
    limits: LimitParams, turn_away: TurnAway, count_refusal: Callable[[int], None]
) -> type[BoundedProtocol]:
    """The class for `uvicorn.Config(http=...)`; refusals before any route are counted."""
    calls = {"turn_away": staticmethod(turn_away), "count_refusal": staticmethod(count_refusal)}
    return type("Bounded", (BoundedProtocol,), {"limits": limits, **calls})
