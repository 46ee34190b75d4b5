"""Signed tokens: whose they are, and that nothing else is taken for one."""

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from sqlalchemy import Engine

from serving.auth import Keyring, hash_secret
from serving.keys import add_key, revoke_key
from serving.tokens import is_token, mint_token, read_token
from tasks.errors import InputError
from tests.serving.stores import open_store

PREDICTION = "01a216ec314027a9d43b0288e7a75575"
HOURS = 24.0


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with open_store(tmp_path) as made:
        yield made


@pytest.fixture
def key(engine: Engine) -> str:
    return add_key(engine, "shop", ["feedback"])


@pytest.fixture
def keyring(engine: Engine, key: str) -> Keyring:
    made = Keyring(engine, 0)
    made.refresh()
    return made


def sign(key: str, claims: dict[str, Any], **header: Any) -> str:
    """As somebody may who has the key but not our program."""
    _, key_id, secret = key.split("_", 2)
    return jwt.encode(claims, hash_secret(secret), "HS256", headers={"kid": key_id, **header})


def claims(ends_in: int = 3600, **changes: Any) -> dict[str, Any]:
    made = {"sub": "ann", "exp": int(time.time()) + ends_in, **changes}
    return {name: value for name, value in made.items() if value is not None}


@pytest.mark.parametrize("prediction_id", [None, PREDICTION])
def test_a_token_says_who_and_whose(keyring: Keyring, key: str, prediction_id: str | None) -> None:
    token = mint_token(key, "ann", 1, prediction_id)
    assert is_token(token)
    assert not is_token(key)
    found = read_token(token, keyring.look_up, HOURS)
    assert found
    assert (found.client.name, found.rater, found.prediction_id) == ("shop", "ann", prediction_id)
    assert key.split("_", 2)[2] not in token
    assert keyring.find(f"Bearer {token}") is None, "it is no key"


@pytest.mark.parametrize(
    "wrong",
    [
        {"ends_in": -1}, {"exp": None}, {"exp": "soon"}, {"exp": float("inf")},
        {"ends_in": 25 * 3600}, {"exp": 10**400}, {"sub": None}, {"sub": ""},
        {"sub": 7}, {"sub": "a" * 201}, {"sub": "a\0"}, {"sub": ["ann"]}, {"nbf": 2**40},
        {"prediction_id": "x"}, {"prediction_id": [PREDICTION]}, {"aud": "others"},
    ],
    ids=repr,
)  # fmt: skip
def test_claims_that_are_not_as_they_must_be_are_nobodys(
    keyring: Keyring, key: str, wrong: dict[str, Any]
) -> None:
    assert read_token(sign(key, claims()), keyring.look_up, HOURS)
    assert read_token(encode(key, claims(**wrong)), keyring.look_up, HOURS) is None


def encode(key: str, content: dict[str, Any]) -> str:
    """PyJWT refuses to sign some of these."""
    return forge(key, {"alg": "HS256", "kid": key.split("_")[1]}, json.dumps(content).encode())


def forge(key: str, header: object, payload: bytes) -> str:
    algorithm = jwt.get_algorithm_by_name("HS256")
    first = f"{part(json.dumps(header).encode())}.{part(payload)}"
    secret = algorithm.prepare_key(hash_secret(key.split("_", 2)[2]))
    return f"{first}.{part(algorithm.sign(first.encode(), secret))}"


def part(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def test_no_other_algorithm_is_taken(keyring: Keyring, key: str) -> None:
    key_id, secret = key.split("_", 2)[1:]
    for algorithm in ("HS384", "HS512"):
        held = jwt.encode(claims(), hash_secret(secret) * 2, algorithm, headers={"kid": key_id})
        assert read_token(held, keyring.look_up, HOURS) is None
    unsigned = jwt.encode(claims(), "", "none", headers={"kid": key_id})
    assert read_token(unsigned, keyring.look_up, HOURS) is None
    good = sign(key, claims()).split(".")
    for name in ("none", "None", "HS256 ", "hs256", "RS256", "", None):
        head = part(json.dumps({"alg": name, "typ": "JWT", "kid": key_id}).encode())
        for signature in (good[2], ""):
            token = f"{head}.{good[1]}.{signature}"
            assert read_token(token, keyring.look_up, HOURS) is None


def test_what_is_forged_or_anothers_is_nobodys(engine: Engine, keyring: Keyring, key: str) -> None:
    other = add_key(engine, "other", ["feedback"])
    keyring.refresh()
    mine, theirs = key.split("_")[1], other.split("_")[1]
    head, payload, signature = sign(key, claims()).split(".")
    changed = part(json.dumps(claims(sub="bob")).encode())
    wrong = [
        sign(key, claims(), kid=theirs), sign(other, claims(), kid=mine),
        sign(key, claims(), kid="unknown"), f"{head}.{changed}.{signature}",
        f"{head}.{payload}.{signature[:-2]}", f"{head}.{payload}.", "..", "a.b.c",
        ".".join("\ud800👍x"), f"{part(b'[' * 9000)}.{payload}.{signature}",
        jwt.encode(claims(), key.split("_", 2)[2] * 2, "HS256", headers={"kid": mine}),
        jwt.encode(claims(), hash_secret(key), "HS256"),
        forge(key, {"alg": "HS256", "kid": mine}, b"[" * 9000),
        forge(key, {"alg": "HS256", "kid": mine}, b'{"a":' * 9000),
        forge(key, {"alg": "HS256", "kid": [mine]}, json.dumps(claims()).encode()),
        forge(key, {"alg": "HS256", "kid": mine, "crit": ["b64"], "b64": False}, b"{}"),
        forge(key, [], json.dumps(claims()).encode()),
    ]  # fmt: skip
    for token in wrong:
        assert read_token(token, keyring.look_up, HOURS) is None, token[:80]


def test_a_revoked_key_ends_its_tokens(engine: Engine, keyring: Keyring, key: str) -> None:
    token = mint_token(key, "ann", 1)
    assert read_token(token, keyring.look_up, HOURS)
    revoke_key(engine, key.split("_")[1])
    keyring.refresh()
    assert read_token(token, keyring.look_up, HOURS) is None


@pytest.mark.parametrize(
    ("key_given", "rater", "prediction_id", "said"),
    [
        ("", "ann", None, "the key is none"), ("fw_abc", "ann", None, "the key is none"),
        ("fw_a_b", "", None, "sub: "), ("fw_a_b", "a\0b", None, "sub: "),
        ("fw_a_b", "ann", "x", "prediction_id: "),
    ],
)  # fmt: skip
def test_what_the_service_would_refuse_is_not_made(
    key_given: str, rater: str, prediction_id: str | None, said: str
) -> None:
    with pytest.raises(InputError, match=said) as caught:
        mint_token(key_given, rater, 1, prediction_id)
    assert "\n" not in str(caught.value)
