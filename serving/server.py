"""uvicorn that ends without breaking a connection off."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from serving.guard import Guard
from serving.params import LimitParams
from serving.protocol import bounded_protocol
from serving.turnstile import TurnAway

_TICK_SECONDS = 0.05


class DrainingServer(uvicorn.Server):
    """When another process takes over, clients are asked to close their connections.

    A connection that is merely closed can break a request that is on its way: uvicorn's own
    restart lost 1.6 % of requests that way. Each gets `Connection: close` with its next answer;
    those that stay silent are closed when `drain_seconds` are over. Where nobody takes over, what
    was asked is answered, and that is all.
    """

    def __init__(
        self, app: ASGIApp, guard: Guard, limits: LimitParams, turn_away: TurnAway
    ) -> None:
        config = uvicorn.Config(
            app,
            http=bounded_protocol(limits, turn_away, guard.count_refusal),
            loop="none",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=max(1, round(limits.keep_alive_seconds)),
            timeout_graceful_shutdown=max(1, round(limits.drain_seconds)),
        )
        super().__init__(config)
        self._guard = guard
        self._drain_seconds = limits.drain_seconds
        self.is_replaced = False

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the process's, which has two servers."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        self._guard.is_draining = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._drain_seconds):
                while self.is_replaced and self.server_state.connections:
                    await asyncio.sleep(_TICK_SECONDS)
        await super().shutdown(sockets)
