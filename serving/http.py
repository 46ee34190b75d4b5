"""Reading requests with care, and saying what is wrong with them: in JSON, without echoing them."""

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from serving.params import LimitParams

Kind = TypeVar("Kind", bound=BaseModel)
_DISCARDED_BYTES = 2 * 2**20  # of a body that is too long, so that its sender reads the answer
_DISCARD_SECONDS = 1.0


class RefusedError(Exception):
    """Ends a request with this answer."""

    def __init__(self, status: int, detail: Any, **headers: str) -> None:
        super().__init__(status)
        self.status = status
        self.detail = detail
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def refusal(error: RefusedError, request: Request) -> Response:
    whole = answer({"detail": error.detail}, error.status, error.headers)
    return _Lingering(whole, request) if error.status in (408, 413) else whole


class _Lingering(Response):
    """An answer before the request has ended: it goes out, then the rest is read and dropped."""

    def __init__(self, whole: Response, request: Request) -> None:
        super().__init__(whole.body, whole.status_code, whole.headers)
        self._request = request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = {"status": self.status_code, "headers": self.raw_headers}
        await send({"type": "http.response.start", **start})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        await _discard_rest(self._request)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def answer(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Response(body.encode(), status, headers, "application/json")


async def read_body(request: Request, limits: LimitParams) -> bytes:
    """At most `max_body_bytes`, within `body_seconds`; RefusedError 408, 413 or 415 otherwise."""
    kind = request.headers.get("content-type", "")
    if kind.partition(";")[0].strip().lower() != "application/json":
        # a page in somebody's browser can send other types to this address without asking
        raise RefusedError(415, "expected content-type: application/json")
    too_long = RefusedError(
        413, f"the body may have {limits.max_body_bytes} bytes", connection="close"
    )
    declared = request.headers.get("content-length", "0")
    if not declared.isdecimal() or int(declared) > limits.max_body_bytes:
        raise too_long
    chunks, size = [], 0
    try:
        async with asyncio.timeout(limits.body_seconds):
            async for chunk in request.stream():
                size += len(chunk)
                if size > limits.max_body_bytes:
                    raise too_long
                chunks.append(chunk)
    except TimeoutError:
        detail = f"the body did not come within {limits.body_seconds:g} s"
        raise RefusedError(408, detail, connection="close") from None
    return b"".join(chunks)


async def _discard_rest(request: Request) -> None:
    """Read on for a moment: a connection closed on unread data loses the answer with it."""
    size, end = 0, time.monotonic() + _DISCARD_SECONDS
    while size < _DISCARDED_BYTES and (left := end - time.monotonic()) > 0:
        try:
            message = await asyncio.wait_for(request.receive(), left)
        except TimeoutError:
            return
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            return


def parse(body: bytes, kind: type[Kind]) -> Kind:
    """RefusedError 422 that names every part which is not as the schema says."""
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        parts = error.errors(include_url=False, include_context=False, include_input=False)
        detail = [
            {"loc": ["body", *(_shown(step) for step in part["loc"])],
             "msg": part["msg"], "type": part["type"]}
            for part in parts[:20]
        ]  # fmt: skip
        raise RefusedError(422, detail) from None


def _shown(step: str | int) -> str | int:
    """A field's name comes from the client."""
    return step if isinstance(step, int) else step.encode("ascii", "replace").decode()[:80]
