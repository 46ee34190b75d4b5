"""Routes whose endpoints read the request themselves."""

from collections.abc import Awaitable, Callable
from typing import cast

from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from serving.http import RefusedError, refusal

Endpoint = Callable[[Request], Awaitable[Response]]


class PlainRoute(APIRoute):
    """In FastAPI's document as any other, but without its reading of parameters.

    The endpoint takes the request and has no parameters; what FastAPI does to find that out costs
    as much again as all that is done for the answer, the model's work left aside.
    """

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in (self.methods or ()):
            await super().handle(scope, receive, send)  # which refuses it
            return
        request = Request(scope, receive, send)
        try:
            response = await cast(Endpoint, self.endpoint)(request)
        except RefusedError as error:
            response = refusal(error, request)
        except ClientDisconnect:  # in mid-body
            response = Response(status_code=499)  # that nobody reads; so the metrics count it
        await response(scope, receive, send)
