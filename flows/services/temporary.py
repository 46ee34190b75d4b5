"""A private Prefect server for one run, where `make up` has not been called."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

from prefect.client.orchestration import get_client
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogWorker
from prefect.settings import (
    PREFECT_API_AUTH_STRING,
    PREFECT_API_URL,
    PREFECT_SERVER_API_AUTH_STRING,
    PREFECT_UI_URL,
    temporary_settings,
)

from flows.leash import leashed
from flows.limits import free_slots
from flows.services import address, automations, ports
from flows.services.supervisor import last_words
from tasks.errors import TemporaryError

_START_SECONDS = 120.0
_END_SECONDS = 10.0
_LOG = address.HOME / "temporary-server.log"


@contextlib.contextmanager
def temporary_server() -> Iterator[str]:
    """Yield the API's URL; Prefect in this process and its children uses it meanwhile.

    It keeps its history where `make up` finds it, wants the same password, and dies with the
    calling thread, however that ends.
    """
    password = address.password()
    address.HOME.mkdir(mode=0o700, exist_ok=True)
    if not address.read_profile(address.DOWN):
        address.write_profiles(address.DOWN, address.url_of(ports.DEFAULT), password)
    known = address.read_profile(address.UP)["PREFECT_API_URL"]
    port = free_port()
    url = address.url_of(port)
    settings = {
        PREFECT_API_URL: url,
        PREFECT_UI_URL: known.removesuffix("/api"),  # this server shows none; a link outlives it
        PREFECT_API_AUTH_STRING: password,
        PREFECT_SERVER_API_AUTH_STRING: password,
    }
    variables = {setting.name: value for setting, value in settings.items()}
    variables["PREFECT_HOME"] = str(address.HOME.resolve())
    with _environment(variables), _serving(port), temporary_settings(settings):
        with get_client(sync_client=True) as client:  # should this run be killed, history says so
            automations.ensure(client, automations.dead_runs())
            free_slots(client)
        try:
            yield url
        finally:  # what is still on its way; after the server's end it would be tried for minutes
            APILogWorker.instance().drain()
            EventsWorker.drain_all()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def _serving(port: int) -> Iterator[None]:
    with _LOG.open("wb") as log:
        process = subprocess.Popen(
            leashed(_server_command(port)),
            env={**os.environ, "PREFECT__SERVER_EPHEMERAL": "1", "PREFECT__SERVER_FINAL": "1",
                 address.BROKER: "flows.services.messaging"},
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, umask=0o077,
            start_new_session=True,  # Ctrl-C is for the run; it still has its end to report here
        )  # fmt: skip
    try:
        _wait_until_ready(process, address.url_of(port))
        yield
    finally:
        process.terminate()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _server_command(port: int) -> list[str]:
    """As Prefect starts its own ephemeral server: services a run needs, and no UI."""
    factory = ["--factory", "prefect.server.api.server:create_app", "--lifespan", "on"]
    place = ["--host", "127.0.0.1", "--port", str(port), "--log-level", "error"]
    return [sys.executable, "-m", "uvicorn", *factory, *place]


def _wait_until_ready(process: "subprocess.Popen[bytes]", url: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not address.answers(url, os.environ[address.PASSWORD]):
        if process.poll() is not None or time.monotonic() > deadline:
            raise TemporaryError(
                f"{url}: the run's own Prefect server did not start within {_START_SECONDS:.0f} s; "
                f"its last words: {last_words(_LOG)}. All of them are in {_LOG}. Run again."
            )
        time.sleep(0.05)


@contextlib.contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
