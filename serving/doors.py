"""Who may do what: the API key of a request, its scope, and how much it may ask."""

import math
from typing import NamedTuple, Protocol

from starlette.requests import Request

from serving.auth import Client, Keyring, Scope, bearer_of
from serving.http import RefusedError
from serving.limits import Rate, RateLimiter
from serving.params import LimitParams
from serving.tokens import is_token, read_token

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Person(NamedTuple):
    """Who corrects, as far as it is proved."""

    client: str | None  # the id of the key; None: keys are off
    rater: str | None = None  # None: whom the client names
    prediction_id: str | None = None  # the only one they may correct; None: any


class Doors(Protocol):
    need_keys: bool

    def admit(self, request: Request, scope: Scope | None) -> str | None:
        """The id of the key that asks, None where keys are off; RefusedError for all others."""

    def admit_person(self, request: Request) -> Person:
        """Who may correct: by a key with that scope, or by a token that its holder has signed."""

    def charge(self, client: str | None, num_texts: int) -> None:
        """RefusedError 429 above the key's rate."""


class OpenDoors:
    """Where keys are off: nobody is anybody."""

    need_keys = False

    def admit(self, request: Request, scope: Scope | None) -> str | None:
        return None

    def admit_person(self, request: Request) -> Person:
        return Person(None)

    def charge(self, client: str | None, num_texts: int) -> None:
        pass


class KeyedDoors:
    """Whoever has a key with the scope (None: any): else 401 or 403."""

    need_keys = True

    def __init__(self, keyring: Keyring, limits: LimitParams, max_token_hours: float) -> None:
        self._keyring = keyring
        self._limits = limits
        self._limiter = RateLimiter(Rate(limits.texts_per_second, limits.burst_texts))
        self._max_token_hours = max_token_hours

    def admit(self, request: Request, scope: Scope | None) -> str | None:
        return self._let_in(self._keyring.find(request.headers.get("authorization")), scope)

    def admit_person(self, request: Request) -> Person:
        bearer = bearer_of(request.headers.get("authorization"))
        if not is_token(bearer):
            return Person(self.admit(request, "feedback"))
        token = read_token(bearer, self._keyring.look_up, self._max_token_hours)
        client = self._let_in(token and token.client, "feedback")
        return Person(client, token and token.rater, token and token.prediction_id)

    def _let_in(self, client: Client | None, scope: Scope | None) -> str:
        if client is None:
            detail = (
                "expected a valid API key: Authorization: Bearer fw_..., or a token made by one"
            )
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
