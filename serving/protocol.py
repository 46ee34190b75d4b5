"""HTTP on a connection: uvicorn's own protocol, with an end to slow and to long headers."""

import asyncio

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from serving.turnstile import TurnAway

_TEXTS = {408: b"the request did not come in time", 431: b"the headers are too long"}


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn makes one for each connection, and gives it no arguments of ours."""

    header_seconds: float
    max_header_bytes: int
    turn_away: TurnAway
    _timer: asyncio.TimerHandle | None = None
    _in_headers = True
    _num_header_bytes = 0
    _answered_at = 0.0  # by a refusal

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_headers()

    def data_received(self, data: bytes) -> None:
        if self._is_between_requests() and (refusal := self.turn_away(data)):
            self._answer_unread(refusal)
            return
        super().data_received(data)
        if self._in_headers:  # still: all of it belongs to them
            self._num_header_bytes += len(data)
            if self._num_header_bytes > self.max_header_bytes:
                self._refuse(431)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._expect_headers()

    def on_headers_complete(self) -> None:
        self._in_headers = False
        self._stop_timer()
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > self.max_header_bytes:
            self._refuse(431)
            return
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self.cycle is not None:  # none: its headers were refused
            super().on_body(body)

    def on_message_complete(self) -> None:
        if self.cycle is not None:
            super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def _is_between_requests(self) -> bool:
        """Nothing of a request has come that is not answered, and answers are taken."""
        if self.flow.write_paused or self.transport.is_closing():
            return False
        if self.cycle is None:
            return self._num_header_bytes == 0
        return self.cycle.response_complete and not (self.cycle.more_body or self._in_headers)

    def _answer_unread(self, answer: bytes) -> None:
        """The timers of the connection go on; `timeout_keep_alive_handler` knows of the answer."""
        self._stop_timer()
        self.transport.write(answer)
        self._answered_at = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._close_when_idle(self.timeout_keep_alive)

    def timeout_keep_alive_handler(self) -> None:
        """A timer is not set anew for each refusal: it looks when the last one was."""
        left = self._answered_at + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._close_when_idle(left)
        else:
            super().timeout_keep_alive_handler()

    def _close_when_idle(self, seconds: float) -> None:
        later = self.loop.call_later(seconds, self.timeout_keep_alive_handler)
        self.timeout_keep_alive_task = later

    def _expect_headers(self) -> None:
        self._stop_timer()
        self._in_headers, self._num_header_bytes = True, 0
        self._timer = self.loop.call_later(self.header_seconds, self._refuse, 408)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _refuse(self, status: int) -> None:
        if self.transport.is_closing():
            return
        text = _TEXTS[status]
        head = [
            STATUS_LINE[status], b"content-type: text/plain; charset=utf-8\r\n",
            b"content-length: %d\r\n" % len(text), b"connection: close\r\n\r\n",
        ]  # fmt: skip
        self.transport.write(b"".join([*head, text]))
        self.transport.close()


def bounded_protocol(
    header_seconds: float, max_header_bytes: int, turn_away: TurnAway
) -> type[BoundedProtocol]:
    """The class for `uvicorn.Config(http=...)`."""
    bounds = {
        "header_seconds": header_seconds,
        "max_header_bytes": max_header_bytes,
        "turn_away": staticmethod(turn_away),
    }
    return type("Bounded", (BoundedProtocol,), bounds)
