import os
import re
import socket

import pytest

from flows.services import ports
from flows.services.temporary import free_port
from tasks.errors import InputError, TemporaryError


@pytest.fixture(autouse=True)
def no_port(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PORT", "PREFECT_SERVER_API_PORT"):
        monkeypatch.delenv(name, raising=False)


def test_the_environment_names_the_port(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ports.wanted() is None
    monkeypatch.setenv("PREFECT_SERVER_API_PORT", "4300")
    assert ports.wanted() == 4300
    monkeypatch.setenv("PORT", "4301")
    assert ports.wanted() == 4301


@pytest.mark.parametrize("text", ["0", "65536", "-1", "4200.5", "http", "四"])
def test_what_is_no_port_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", text)
    with pytest.raises(InputError, match=f"PORT={re.escape(text)}: expected a port from 1"):
        ports.wanted()


def test_a_free_port_is_free_and_a_taken_one_is_named_with_its_holder() -> None:
    port = free_port()
    ports.check_free(port)
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", port))
        holder.listen()
        with pytest.raises(
            TemporaryError, match=f"{port}.* process {os.getpid()} .*PORT={port + 1}"
        ):
            ports.check_free(port)
    ports.check_free(port)
