import os
import stat
import tomllib
from pathlib import Path
from threading import Thread

import pytest

from flows.services import address


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(address.PASSWORD, raising=False)


def test_a_profile_comes_back_as_it_was_written() -> None:
    odd = 'pass"word\\ with #odd = characters'
    address.write_profiles(address.UP, address.url_of(4321), odd)
    assert address.read_profile(address.UP)["PREFECT_API_URL"] == "http://127.0.0.1:4321/api"
    assert address.read_profile(address.DOWN)[address.PASSWORD] == odd
    assert address.port_of(address.read_profile(address.UP)["PREFECT_API_URL"]) == 4321
    assert tomllib.loads(address.PROFILES.read_text())["active"] == address.UP


def test_down_has_no_address() -> None:
    address.write_profiles(address.DOWN, address.url_of(4321), "secret")
    active = tomllib.loads(address.PROFILES.read_text())["active"]
    assert "PREFECT_API_URL" not in address.read_profile(active)


def test_a_password_is_made_once_and_the_environments_goes_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = address.password()
    assert len(first) >= 32
    assert first != address.password()  # never written: never kept
    address.write_profiles(address.UP, address.url_of(1), first)
    assert address.password() == first
    monkeypatch.setenv(address.PASSWORD, "from the vault")
    assert address.password() == "from the vault"


def test_nobody_else_may_read_it_at_any_moment() -> None:
    """A watcher looks at every file of the folder while they are written again and again."""
    address.HOME.mkdir()
    modes: set[int] = set()
    writer = Thread(
        target=lambda: [address.write_private(address.PROFILES, "x" * 99) for _ in range(200)]
    )
    writer.start()
    while writer.is_alive():
        for entry in os.scandir(address.HOME):
            try:
                modes.add(stat.S_IMODE(entry.stat().st_mode))
            except FileNotFoundError:  # renamed meanwhile
                continue
    assert modes == {0o600}


def test_nothing_answers_where_nothing_runs() -> None:
    assert address.running_api() is None
    address.write_profiles(address.UP, address.url_of(1), "secret")
    assert address.running_api() is None


@pytest.mark.parametrize("text", ["", "not toml [", "active = 'up'"])
def test_a_profile_file_that_says_nothing_is_no_profile(text: str) -> None:
    address.HOME.mkdir()
    address.PROFILES.write_text(text)
    assert address.read_profile(address.UP) == {}
    assert address.running_api() is None
