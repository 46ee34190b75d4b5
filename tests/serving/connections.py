"""Bytes to a running service, and from it, without a client that would see to their form."""

import contextlib
import socket
from collections.abc import Iterator

from tests.serving.live_place import Served

MEGABYTE = 10**6
HEAD = b"POST /v1/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


@contextlib.contextmanager
def connected(served: Served) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as connection:
        yield connection


def read_all(connection: socket.socket) -> bytes:
    """Until the server closes."""
    answer = b""
    while chunk := connection.recv(65536):
        answer += chunk
    return answer


def send_much(connection: socket.socket, chunk: bytes, num_bytes: int) -> int:
    """Returns how many bytes the server took before it closed or stopped reading."""
    sent = 0
    connection.settimeout(3)
    with contextlib.suppress(OSError):
        while sent < num_bytes:
            sent += connection.send(chunk)
    return sent
