"""The port the server is to listen on, and who has it if it is taken."""

import contextlib
import errno
import os
import socket

import psutil

from flows.services.address import LOOPBACK
from tasks.errors import InputError, TemporaryError

DEFAULT = 4200
_HIGHEST = 65535
_SHOWN_CHARACTERS = 80


def wanted() -> int | None:
    """The port the environment names, if any."""
    for name in ("PORT", "PREFECT_SERVER_API_PORT"):
        if text := os.environ.get(name):
            if text.isdecimal() and 0 < int(text) <= _HIGHEST:
                return int(text)
            raise InputError(
                f"{name}={text}: expected a port from 1 to {_HIGHEST}. Try: make up PORT={DEFAULT}"
            )
    return None


def host() -> str:
    """This machine alone, unless the environment says otherwise."""
    return os.environ.get("PREFECT_SERVER_API_HOST") or LOOPBACK


def is_set() -> bool:
    return bool(os.environ.get("PREFECT_SERVER_API_HOST"))


def check_free(port: int) -> None:
    """Raise TemporaryError, naming who listens there, if the server could not."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does
        try:
            probe.bind((host(), port))
        except PermissionError:
            raise InputError(
                f"port {port} is for the administrator; take one above 1023: make up PORT={DEFAULT}"
            ) from None
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                raise InputError(
                    f"PREFECT_SERVER_API_HOST={host()}: not an address of this machine; "
                    "`hostname -I` lists them. Set one of those, or unset it for this machine alone"
                ) from None
            raise TemporaryError(
                f"port {port} of {host()} is taken by {_holder(port)}; end that, or take another: "
                f"make up PORT={port + 1}"
            ) from None


def _holder(port: int) -> str:
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            if connection.status == "LISTEN" and connection.laddr.port == port and connection.pid:
                return _describe(psutil.Process(connection.pid))
    return "a process of another user"


def _describe(process: psutil.Process) -> str:
    words = " ".join(process.cmdline())[:_SHOWN_CHARACTERS]
    return f"process {process.pid} ({words}, in {process.cwd()})"
