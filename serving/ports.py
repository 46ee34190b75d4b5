"""The two listening sockets, which outlive the processes that answer on them."""

import socket
from typing import NamedTuple

from tasks.errors import InputError

_BACKLOG = 2048


class Ports(NamedTuple):
    public: socket.socket
    admin: socket.socket

    def urls(self) -> tuple[str, str]:
        first, second = (f"http://{_shown(port)}" for port in self)
        return first, second


def bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError) as error:  # the latter for a number that is no port's
        reason = getattr(error, "strerror", error)
        raise InputError(
            f"{host}:{port}: {reason}. Give another: make serve PORT=8100, or "
            "serving.port, serving.admin_port and serving.host in params.yaml."
        ) from None
    listener.listen(_BACKLOG)
    return listener


def _shown(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
