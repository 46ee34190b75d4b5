"""Around every route: counts what is answered, and asks clients to leave when the process ends."""

from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.metrics import Metrics

_CLOSE = (b"connection", b"close")


class Guard:
    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics
        self.is_draining = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._metrics.requests.labels(_route(scope), message["status"]).inc()
                if self.is_draining:
                    message["headers"] = [*message["headers"], _CLOSE]
            await send(message)

        await self._app(scope, receive, send_counted)

    def count_refusal(self, status: int) -> None:
        """Of what reached no route: it was no request, or not whole."""
        self._metrics.requests.labels("none", status).inc()


def _route(scope: Scope) -> str:
    """The route's own path; whatever else a client asks for must not become a label."""
    route: Any = scope.get("route")
    return getattr(route, "path", "other")
