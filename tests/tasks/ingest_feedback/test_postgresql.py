"""PostgreSQL: lower numbers that commit later, numbers that never come, a server that is away."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert

from serving.store.tables import FEEDBACK
from tasks.errors import TemporaryError
from tasks.ingest_feedback.ingest import ingest
from tests.postgres import PASSWORD, Database, serve_database
from tests.tasks.feedback_store import (
    TARGET,
    ids_in,
    make_event,
    open_feedback,
    read_params,
    send,
    write_params,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server() -> Iterator[Database]:
    with serve_database() as database:
        yield database


@pytest.fixture
def store(server: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.chdir(tmp_path)
    server.ask("DROP SCHEMA public CASCADE")
    server.ask("CREATE SCHEMA public")
    url = server.url_for("psycopg")
    write_params(tmp_path, url, settle_seconds=0.2)
    with open_feedback(url) as engine:
        yield engine


def test_the_bytes_are_those_that_sqlite_gives(store: Engine, tmp_path: Path) -> None:
    events = [make_event(number) for number in range(50)]
    send(store, events)
    (made,) = ingest(TARGET, read_params())
    write_params(tmp_path)
    with open_feedback() as engine:
        send(engine, events)
    (other,) = ingest(Path("other"), read_params())
    assert made.manifest == other.manifest
    assert made.file.read_bytes() == other.file.read_bytes()


def test_a_lower_number_that_commits_later_is_not_skipped(store: Engine) -> None:
    late, never = make_event(1), make_event(2)
    with store.connect() as first, store.connect() as second:
        first.execute(insert(FEEDBACK), late)
        second.execute(insert(FEEDBACK), never)
        send(store, [make_event(3), make_event(4)])
        (made,) = ingest(TARGET, read_params())
        assert made.manifest.seqs == ((3, 4),)
        first.commit()
        second.rollback()
    (made,) = ingest(TARGET, read_params())
    assert made.manifest.seqs == ((1, 2),)  # nobody writes any more: 2 will not come
    assert sorted(ids_in()) == sorted(make_event(number)["event_id"] for number in (1, 3, 4))
    assert ingest(TARGET, read_params()) == []


def test_it_waits_a_little_for_those_who_are_about_to_commit(store: Engine, tmp_path: Path) -> None:
    write_params(tmp_path, str(store.url.render_as_string(hide_password=False)),
                 settle_seconds=60.0)  # fmt: skip
    with store.connect() as first:
        first.execute(insert(FEEDBACK), make_event(1))
        send(store, [make_event(2)])
        commit = threading.Timer(0.5, first.commit)
        commit.start()
        (made,) = ingest(TARGET, read_params())
        commit.join()
    assert made.manifest.seqs == ((1, 2),)
    assert made.manifest.num_events == 2


def test_none_is_lost_while_many_write_at_once_and_some_roll_back(store: Engine) -> None:
    ended = threading.Event()

    def write(writer: int) -> None:
        for number in range(writer * 1000, writer * 1000 + 60):
            with store.connect() as connection:
                connection.execute(insert(FEEDBACK), make_event(number))
                time.sleep(0.001 * (number % 5))
                connection.rollback() if number % 7 == 0 else connection.commit()

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in writers:
        thread.start()
    while not ended.is_set():
        if not any(thread.is_alive() for thread in writers):
            ended.set()
        ingest(TARGET, read_params())
    expected = [make_event(writer * 1000 + number)["event_id"]
                for writer in range(4) for number in range(60)
                if (writer * 1000 + number) % 7]  # fmt: skip
    assert sorted(ids_in()) == sorted(expected)
    assert ingest(TARGET, read_params()) == []


def test_a_database_that_is_away_is_temporary_and_shows_no_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_params(tmp_path, f"postgresql+psycopg://postgres:{PASSWORD}@127.0.0.1:1/postgres")
    with pytest.raises(TemporaryError, match="See that the store is up") as raised:
        ingest(TARGET, read_params())
    assert PASSWORD not in str(raised.value)
