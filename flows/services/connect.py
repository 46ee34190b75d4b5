"""The Prefect API a run of the command line reports to."""

import contextlib
import os
import threading
from collections.abc import Iterator

from flows.services.address import running_api
from flows.services.temporary import temporary_server

_own_server = threading.Event()


def present_api() -> str | None:
    """The one the environment names, else that of `make up` if it runs."""
    return os.environ.get("PREFECT_API_URL") or running_api()


def is_own_server() -> bool:
    """Whether the server ends with this command: what its automations start, nobody works on."""
    return _own_server.is_set()


@contextlib.contextmanager
def prefect_api() -> Iterator[str]:
    """The one that is present, else one for this run alone."""
    if url := present_api():
        yield url
        return
    with temporary_server() as url:
        _own_server.set()
        try:
            yield url
        finally:
            _own_server.clear()
