"""The store while the service runs: replaced, locked, in lasting trouble."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from serving import upkeep
from serving.auth import Keyring
from serving.keys import add_key, revoke_key
from serving.store.engine import open_engine, writing
from serving.store.insert import insert_predictions
from serving.store.problems import explaining
from serving.store.retention import delete_old
from serving.store.schema import upgrade
from serving.upkeep import Upkeep
from tasks.errors import TemporaryError
from tests.postgres import Database
from tests.serving.live_place import wait_for
from tests.serving.store.predictions import MOMENT, POLICY, make_record, read_rows
from tests.serving.stores import open_store

Watch = Callable[[Upkeep], None]


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    monkeypatch.setattr(upkeep, "_LOOK_SECONDS", 0.05)
    started: list[Upkeep] = []

    def start(made: Upkeep) -> None:
        started.append(made)
        made.start()

    yield start
    for made in started:
        made.close()


@pytest.fixture
def locked(database: Database) -> Iterator[Engine]:
    """A store whose predictions somebody else has locked, as VACUUM FULL does."""
    database.ask("create database locked")
    engine = open_engine(database.url_for("psycopg", "locked"))
    upgrade(engine)
    with writing(engine) as connection:
        connection.execute(text("LOCK TABLE predictions IN ACCESS EXCLUSIVE MODE"))
        yield engine
    engine.dispose()
    database.ask("drop database locked with (force)")


def put_away(store: Path) -> None:
    for file in store.parent.glob("store.db*"):
        with contextlib.suppress(FileNotFoundError):  # a connection has just been closed
            file.rename(store.parent / f"old-{file.name}")


def test_what_lies_at_the_address_is_used_not_what_was_moved_away(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, watch: Watch
) -> None:
    (tmp_path / "other").mkdir()
    with open_store(tmp_path) as store, open_store(tmp_path / "other") as other:
        key = add_key(other, "shop", ["predict"])
        other.dispose()
        revoked = add_key(store, "gone", ["predict"])
        keyring = Keyring(store, 0.01)
        watch(Upkeep(store, keyring, 0.0))
        wait_for(lambda: keyring.find(f"Bearer {revoked}") is not None)
        put_away(tmp_path / "store.db")
        (tmp_path / "other/store.db").rename(tmp_path / "store.db")
        wait_for(lambda: keyring.find(f"Bearer {key}") is not None)
        assert keyring.find(f"Bearer {revoked}") is None
        insert_predictions(store, [make_record(1)], POLICY)
        with open_store(tmp_path) as fresh:
            assert read_rows(fresh).keys() == {"p000001"}
        put_away(tmp_path / "store.db")
        wait_for(lambda: keyring.num_keys == 0)
        insert_predictions(store, [make_record(2)], POLICY)
        with open_store(tmp_path) as fresh:
            assert read_rows(fresh).keys() == {"p000002"}
        assert (tmp_path / "store.db").stat().st_mode & 0o077 == 0
    assert caplog.text.count("another file lies there") == 2


@pytest.mark.slow
def test_a_locked_table_of_predictions_keeps_no_revoked_key_alive(
    locked: Engine, watch: Watch
) -> None:
    key = add_key(locked, "shop", ["predict"])
    keyring = Keyring(locked, 0.01)
    watch(Upkeep(locked, keyring, 1.0))
    wait_for(lambda: keyring.find(f"Bearer {key}") is not None)
    time.sleep(0.3)
    revoke_key(locked, key.split("_")[1])
    wait_for(lambda: keyring.find(f"Bearer {key}") is None, 2)


@pytest.mark.slow
def test_nobody_waits_for_a_locked_table_for_ever(locked: Engine) -> None:
    for use in (
        lambda: delete_old(locked, MOMENT),
        lambda: insert_predictions(locked, [make_record(1)], POLICY),
    ):
        said = "somebody else holds a table locked"
        with pytest.raises(TemporaryError, match=said), explaining(locked):
            use()


def test_a_schema_that_is_there_is_seen_while_somebody_else_writes(tmp_path: Path) -> None:
    with open_store(tmp_path) as store, writing(store):
        upgrade(store)  # if it wanted to write, it would say that the store is locked


def test_a_problem_that_lasts_is_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, watch: Watch
) -> None:
    caplog.set_level(logging.INFO)
    (tmp_path / "store.db").write_bytes(b"garbage" * 3000)
    store = open_engine(f"sqlite:///{tmp_path}/store.db")
    watch(Upkeep(store, Keyring(store, 0.01), 0.0))
    wait_for(lambda: bool(caplog.records))
    threading.Event().wait(0.5)
    (said,) = caplog.records
    assert "it is no SQLite database" in said.getMessage()
    assert said.exc_info is None or said.exc_info is False
    store.dispose()
