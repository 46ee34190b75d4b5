"""Who asks: API keys, held in memory, so that no request waits for the database."""

import hashlib
import hmac
import secrets
import time
from typing import Literal, NamedTuple

from sqlalchemy import Engine, select

from serving.store.problems import explaining
from serving.store.tables import API_KEYS

Scope = Literal["predict", "feedback", "admin"]
PREFIX = "fw"
_SCHEME = "bearer"


class Client(NamedTuple):
    """The holder of a key."""

    key_id: str
    name: str
    scopes: frozenset[str]


class Held(NamedTuple):
    """What is known of a key; the secret itself is not."""

    secret_sha256: str
    client: Client | None


class Keyring:
    """All valid keys as of the last `refresh`; without one there are none, and nobody comes in."""

    def __init__(self, engine: Engine, refresh_seconds: float) -> None:
        self._engine = engine
        self._refresh_seconds = refresh_seconds
        self._next_refresh = 0.0
        self._keys: dict[str, Held] = {}
        # compared where an id is unknown, so that this takes as long: no secret has this hash
        self._nobody = Held(secrets.token_hex(hashlib.sha256().digest_size), None)

    @property
    def num_keys(self) -> int:
        return len(self._keys)

    def refresh(self) -> None:
        """Read the keys, when that is due; for a thread beside the event loop.

        A TemporaryError or an InputError leaves the keys as they were.
        """
        now = time.monotonic()
        if now < self._next_refresh:
            return
        self._next_refresh = now + self._refresh_seconds
        valid = select(API_KEYS).where(API_KEYS.c.revoked_at.is_(None))
        with explaining(self._engine), self._engine.connect() as connection:
            rows = connection.execute(valid).all()
        self._keys = {
            row.key_id: Held(row.secret_sha256, Client(row.key_id, row.name, frozenset(row.scopes)))
            for row in rows
        }

    def find(self, authorization: str | None) -> Client | None:
        """Whose key an Authorization header holds; None: nobody's. The same work in any case."""
        key_id, secret = split_key(bearer_of(authorization))
        held = self.look_up(key_id)
        is_it = hmac.compare_digest(hash_secret(secret), held.secret_sha256)
        return held.client if is_it else None

    def look_up(self, key_id: str) -> Held:
        """Of an id that no valid key has: what nobody can prove to hold."""
        return self._keys.get(key_id, self._nobody)


def hash_secret(secret: str) -> str:
    """As keys are kept.

    No slow hash: a secret has 256 random bits, so whoever reads the hashes cannot try them all,
    and nobody waits for bcrypt in each request.
    """
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def bearer_of(authorization: str | None) -> str:
    """The key or token of an Authorization header; "": there is none."""
    scheme, _, held = (authorization or "").partition(" ")
    return held.strip() if scheme.lower() == _SCHEME else ""


def split_key(key: str) -> tuple[str, str]:
    """Id and secret; two empty ones if it is no key."""
    parts = key.split("_", 2)  # a secret may hold more of them
    if len(parts) != len(("prefix", "id", "secret")):
        return "", ""
    prefix, key_id, secret = parts
    return (key_id, secret) if prefix == PREFIX else ("", "")
