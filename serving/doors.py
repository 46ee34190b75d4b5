"""Who may do what: the API key of a request, its scope, and how often it may ask."""

import math
from collections.abc import Callable

from starlette.requests import Request

from serving.auth import Client, Keyring, Scope
from serving.http import RefusedError
from serving.limits import RateLimiter
from serving.params import LimitParams

Admit = Callable[[Request, Scope | None], str | None]
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def is_loopback(host: str) -> bool:
    return host in _LOOPBACK


def admit_all(request: Request, scope: Scope | None) -> str | None:
    """Where keys are off: nobody is anybody."""
    return None


def key_holders(keyring: Keyring, limits: LimitParams) -> Admit:
    """Whoever has a key with the scope (None: any); returns the key's id.

    RefusedError 401 without a valid key, 403 without the scope, 429 above the key's rate.
    """
    limiter = RateLimiter(limits)

    def admit(request: Request, scope: Scope | None) -> str | None:
        client = keyring.find(request.headers.get("authorization"))
        if client is None:
            detail = "expected an API key: Authorization: Bearer fw_..."
            raise RefusedError(401, detail, www_authenticate="Bearer")
        _check_scope(client, scope)
        if wait := limiter.seconds_to_wait(client.key_id):
            detail = f"this key may ask {limits.requests_per_second:g} times a second"
            raise RefusedError(429, detail, retry_after=str(math.ceil(wait)))
        return client.key_id

    return admit


def _check_scope(client: Client, scope: Scope | None) -> None:
    if scope is not None and scope not in client.scopes:
        raise RefusedError(403, f"this key lacks the scope {scope}")
