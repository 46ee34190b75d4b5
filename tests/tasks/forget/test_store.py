"""The store is read and emptied in both databases, and its address is shown without a password."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from serving.store.schema import upgrade
from tasks.errors import InputError, TemporaryError
from tasks.forget.store import erase, open_engine, read_feedback, read_said, scrub
from tests.postgres import PASSWORD, serve_database
from tests.tasks.feedback_store import make_event, open_feedback, send, write_params

AWAY = "postgresql+psycopg://{}127.0.0.1:1/db{}"


def connect() -> None:
    with open_engine() as engine:
        assert engine
        with engine.connect() as connection:
            read_feedback(connection, "rater", ["ann"])


@pytest.mark.parametrize("address", [
    AWAY.format("u:s3cr3t@", ""),
    AWAY.format("", "?user=u&password=s3cr3t"),
    AWAY.format("u:another@", "?password=s3cr3t&application_name=s3cr3t"),
])  # fmt: skip
def test_no_error_shows_a_password(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_params(tmp_path, address)
    with pytest.raises(TemporaryError) as caught:
        connect()
    assert "127.0.0.1:1/db: connection failed: " in str(caught.value)
    assert "s3cr3t" not in str(caught.value)


def test_a_file_that_is_no_store_is_not_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_params(tmp_path, "sqlite:///store.db")
    Path("store.db").write_text("no database at all " * 99)
    with pytest.raises(InputError, match="damaged: file is not a database"):
        connect()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def store(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Engine]:
    """As `make forget` opens it."""
    monkeypatch.chdir(tmp_path)
    if request.param == "sqlite":
        write_params(tmp_path)
        with open_feedback(), open_engine() as engine:
            assert engine
            yield engine
        return
    with serve_database() as server:
        write_params(tmp_path, server.url_for("psycopg"))
        with open_engine() as engine:
            assert engine
            upgrade(engine)
            yield engine


def test_what_anybody_said_is_read_in_pieces_and_a_part_is_erased(store: Engine) -> None:
    send(store, [make_event(number) for number in range(25_000)])
    with store.connect() as connection:
        sizes = [table.num_rows for table in read_said(connection)]
    assert (max(sizes), sum(sizes)) == (10_000, 25_000)
    assert erase(store, ["p1", "p7", "p70000"]) == 2
    scrub(store)
    with store.connect() as connection:
        left = read_feedback(connection, "prediction_id", ["p1", "p2", "p7"])
    assert left["prediction_id"].to_pylist() == ["p2"]
    assert PASSWORD not in store.url.render_as_string()
