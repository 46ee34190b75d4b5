"""The keyring: whose key it is, without the database, without a hint, without a trace."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, text

from serving.auth import Client, Keyring, hash_secret
from serving.keys import add_key, list_keys, revoke_key
from tasks.errors import FlywheelError
from tests.serving.stores import open_store


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with open_store(tmp_path) as made:
        yield made


def ring_of(engine: Engine, refresh_seconds: float = 0) -> Keyring:
    keyring = Keyring(engine, refresh_seconds)
    keyring.refresh()
    return keyring


def test_a_key_says_who_asks_and_what_they_may(engine: Engine) -> None:
    key = add_key(engine, "shop", ["predict", "feedback", "predict"])
    other = add_key(engine, "ops", ["admin"])
    keyring = ring_of(engine)
    assert keyring.find(f"Bearer {key}") == Client(
        key.split("_")[1], "shop", frozenset({"predict", "feedback"})
    )
    found = keyring.find(f"bearer {other}")
    assert found
    assert (found.name, found.scopes) == ("ops", {"admin"})


def test_whatever_is_no_key_is_nobodys(engine: Engine) -> None:
    key, other = add_key(engine, "shop", ["predict"]), add_key(engine, "ops", ["admin"])
    keyring = ring_of(engine)
    prefix, key_id, secret = key.split("_", 2)
    wrong = [
        None, "", "Bearer", "Bearer ", key, f"Basic {key}", f"Bearer {key}x", f"Bearer {key[:-1]}",
        f"Bearer {prefix}_{key_id}_", f"Bearer {prefix}_{key_id}", f"Bearer xx_{key_id}_{secret}",
        f"Bearer {prefix}_{other.split('_')[1]}_{secret}", f"Bearer {prefix}__{secret}",
        f"Bearer {prefix}_{key_id}_{hash_secret(secret)}", f"Bearer {key}\ud800", "Bearer 👍_a_b",
        "Bearer fw__", "Bearer " + "_" * 9000,
    ]  # fmt: skip
    assert [keyring.find(header) for header in wrong] == [None] * len(wrong)
    assert keyring.find(f"Bearer {key}")


def test_a_keyring_that_never_looked_lets_nobody_in(engine: Engine) -> None:
    key = add_key(engine, "shop", ["predict"])
    assert Keyring(engine, 0).find(f"Bearer {key}") is None


def test_finding_asks_no_database(engine: Engine) -> None:
    key = add_key(engine, "shop", ["predict"])
    keyring = ring_of(engine)
    asked: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *values: asked.append(values[2]))
    assert keyring.find(f"Bearer {key}")
    assert keyring.find("Bearer fw_000000000000_x") is None
    assert asked == []
    keyring.refresh()
    assert [statement.split()[0] for statement in asked] == ["BEGIN", "SELECT"]


def test_a_revoked_key_works_until_the_next_look_and_never_again(engine: Engine) -> None:
    key, other = add_key(engine, "shop", ["predict"]), add_key(engine, "ops", ["admin"])
    patient, eager = ring_of(engine, 3600), ring_of(engine)
    revoke_key(engine, key.split("_")[1])
    revoke_key(engine, key.split("_")[1])
    for keyring in (patient, eager):
        assert keyring.find(f"Bearer {key}")
        keyring.refresh()
    assert patient.find(f"Bearer {key}")  # it is not due yet
    assert eager.find(f"Bearer {key}") is None
    assert eager.find(f"Bearer {other}")


def test_while_the_store_is_away_the_keys_stay_as_they_were(engine: Engine) -> None:
    key = add_key(engine, "shop", ["predict"])
    keyring = ring_of(engine)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE api_keys RENAME TO gone"))
    with pytest.raises(FlywheelError):
        keyring.refresh()
    assert keyring.find(f"Bearer {key}")


def test_an_unknown_id_takes_as_much_work_as_a_wrong_secret(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    key_id = add_key(engine, "shop", ["predict"]).split("_")[1]
    keyring = ring_of(engine)
    compared: list[tuple[str, str]] = []
    monkeypatch.setattr("hmac.compare_digest", lambda *both: bool(compared.append(both)))
    for header in (f"Bearer fw_{key_id}_wrong", "Bearer fw_unknown_wrong", "Bearer", None):
        assert keyring.find(header) is None
    assert [(len(given), len(held)) for given, held in compared] == [(64, 64)] * 4


def test_a_key_and_its_secret_are_shown_once_and_kept_nowhere(
    engine: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    key = add_key(engine, "shop", ["predict"])
    secret = key.split("_", 2)[2]
    keyring = ring_of(engine)
    shown = [*list_keys(engine), caplog.text, repr(keyring), repr(keyring.find(f"Bearer {key}"))]
    assert secret not in "".join(shown)
    engine.dispose()
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert hash_secret(secret).encode() in kept
    assert secret.encode() not in kept
