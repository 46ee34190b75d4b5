"""Reading requests with care, and saying what is wrong with them: in JSON, without echoing them."""

import asyncio
import itertools
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import pydantic_core
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from serving.params import LimitParams

Kind = TypeVar("Kind", bound=BaseModel)
_DISCARDED_BYTES = 2 * 2**20  # of a body that is too long, so that its sender reads the answer
_DISCARD_SECONDS = 1.0
_SHOWN_ERRORS = 20


class RefusedError(Exception):
    """Ends a request with this answer."""

    def __init__(self, status: int, detail: Any, **headers: str) -> None:
        super().__init__(status)
        self.status = status
        self.detail = detail
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def later(detail: str) -> RefusedError:
    return RefusedError(503, detail, retry_after="1")


def refusal(error: RefusedError, request: Request) -> Response:
    """The answer; a body that was not read to its end closes the connection."""
    headers = request.headers
    has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
    if not has_body or getattr(request.state, "is_read", False):
        return answer({"detail": error.detail}, error.status, error.headers)
    closing = {**error.headers, "connection": "close"}
    return _Lingering(answer({"detail": error.detail}, error.status, closing), request)


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
    too_long = RefusedError(413, f"the body may have {limits.max_body_bytes} bytes")
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
        raise RefusedError(408, detail) from None
    request.state.is_read = True
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
    """RefusedError 422 that names the parts which are not as the schema says.

    Unknown fields are looked for here and lists end at their first error: pydantic would make an
    object for each of a million errors before the first could be shown.
    """
    try:
        content = pydantic_core.from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise _invalid([((), f"Invalid JSON: {error}", "json_invalid")]) from None
    if not isinstance(content, dict):
        raise _invalid([((), "Input should be an object", "object_type")])
    if unknown := content.keys() - kind.model_fields.keys():
        first = itertools.islice(unknown, _SHOWN_ERRORS)
        raise _invalid(
            [((name,), "Extra inputs are not permitted", "extra_forbidden") for name in first]
        )
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        parts = error.errors(include_url=False, include_context=False, include_input=False)
        raise _invalid([(part["loc"], part["msg"], part["type"]) for part in parts]) from None


def _invalid(parts: Sequence[tuple[tuple[str | int, ...], str, str]]) -> RefusedError:
    detail = [
        {"loc": ["body", *map(_shown, place)], "msg": message, "type": kind}
        for place, message, kind in parts[:_SHOWN_ERRORS]
    ]
    return RefusedError(422, detail)


def _shown(step: str | int) -> str | int:
    """A field's name comes from the client."""
    return step if isinstance(step, int) else step.encode("ascii", "replace").decode()[:80]
