"""What a connection answers by itself, before anything is read or asked: whole, as bytes."""

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

_TEXTS = {
    408: b'{"detail":"the request did not come in time"}',
    431: b'{"detail":"the headers are too long"}',
    503: b'{"detail":"too many connections"}',
}
_MORE = {503: b"retry-after: 1\r\n"}


def refusal_bytes(status: int) -> bytes:
    """It closes the connection."""
    text = _TEXTS[status]
    head = [
        STATUS_LINE[status], b"content-type: application/json\r\n",
        b"content-length: %d\r\n" % len(text),
        _MORE.get(status, b""), b"connection: close\r\n\r\n",
    ]  # fmt: skip
    return b"".join([*head, text])
