"""Who may do what: the API key of a request, its scope, and how much it may ask."""

import math
from typing import Protocol

from starlette.requests import Request

from serving.auth import Keyring, Scope
from serving.http import RefusedError
from serving.limits import RateLimiter
from serving.params import LimitParams

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Doors(Protocol):
    need_keys: bool

    def admit(self, request: Request, scope: Scope | None) -> str | None:
        """The id of the key that asks, None where keys are off; RefusedError for all others."""

    def charge(self, client: str | None, num_texts: int) -> None:
        """RefusedError 429 above the key's rate."""


class OpenDoors:
    """Where keys are off: nobody is anybody."""

    need_keys = False

    def admit(self, request: Request, scope: Scope | None) -> str | None:
        return None

    def charge(self, client: str | None, num_texts: int) -> None:
        pass


class KeyedDoors:
    """Whoever has a key with the scope (None: any): else 401 or 403."""

    need_keys = True

    def __init__(self, keyring: Keyring, limits: LimitParams) -> None:
        self._keyring = keyring
        self._limits = limits
        self._limiter = RateLimiter(limits)

    def admit(self, request: Request, scope: Scope | None) -> str | None:
        client = self._keyring.find(request.headers.get("authorization"))
        if client is None:
            detail = "expected an API key: Authorization: Bearer fw_..."
            raise RefusedError(401, detail, www_authenticate="Bearer")
        if scope is not None and scope not in client.scopes:
            raise RefusedError(403, f"this key lacks the scope {scope}")
        self.charge(client.key_id, 1)
        return client.key_id

    def charge(self, client: str | None, num_texts: int) -> None:
        if wait := self._limiter.seconds_to_wait(client or "", num_texts):
            detail = f"this key may ask {self._limits.texts_per_second:g} texts a second"
            raise RefusedError(429, detail, retry_after=str(math.ceil(wait)))


def is_loopback(host: str) -> bool:
    return host in _LOOPBACK
