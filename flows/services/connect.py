"""The Prefect API a run of the command line reports to."""

import contextlib
import os
from collections.abc import Iterator

from flows.services.address import running_api
from flows.services.temporary import temporary_server


def present_api() -> str | None:
    """The one the environment names, else that of `make up` if it runs."""
    return os.environ.get("PREFECT_API_URL") or running_api()


@contextlib.contextmanager
def prefect_api() -> Iterator[str]:
    """The one that is present, else one for this run alone."""
    if url := present_api():
        yield url
        return
    with temporary_server() as url:
        yield url
