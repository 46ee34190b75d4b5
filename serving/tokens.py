"""Signed tokens: who holds a key lets one person correct predictions, for a time, without it.

A token is a JWT, made without asking the service and signed with the hash of the key's secret,
which is what the store keeps: no further secret is needed, and a revoked key ends its tokens.
"""

import time
from collections.abc import Callable
from typing import Annotated, NamedTuple

import jwt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from serving.auth import Client, Held, hash_secret, split_key
from serving.schema import PredictionId, Rater
from tasks.errors import InputError

_ALGORITHM = "HS256"  # no other is taken, whatever a token's header says
_NUM_PARTS = 3  # header, claims, signature
_SECONDS_PER_HOUR = 3600


class Token(NamedTuple):
    """One person, let in by the holder of a key."""

    client: Client
    rater: str
    prediction_id: str | None  # the only one that may be corrected; None: any


class _Claims(BaseModel):
    model_config = ConfigDict(strict=True)

    sub: Rater
    exp: Annotated[float, Field(allow_inf_nan=False)]
    prediction_id: PredictionId | None = None


def mint_token(key: str, rater: str, hours: float, prediction_id: str | None = None) -> str:
    """InputError where the key is none, or the service would refuse the token's claims."""
    key_id, secret = split_key(key)
    if not secret:
        raise InputError(
            "the key is none: expected fw_ID_SECRET as python -m serving.keys add made"
        )
    claims = {"sub": rater, "exp": int(time.time() + hours * _SECONDS_PER_HOUR)}
    if prediction_id is not None:
        claims["prediction_id"] = prediction_id
    try:
        _Claims.model_validate(claims)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        raise InputError(f"{first['loc'][0]}: {first['msg']}. Give another.") from None
    return jwt.encode(claims, hash_secret(secret), _ALGORITHM, headers={"kid": key_id})


def is_token(bearer: str) -> bool:
    return bearer.count(".") == _NUM_PARTS - 1


def read_token(bearer: str, look_up: Callable[[str], Held], max_hours: float) -> Token | None:
    """None: forged, expired, too long-lived, of a key that is not valid, or no token at all."""
    try:
        key_id = jwt.get_unverified_header(bearer).get("kid", "")
        held = look_up(key_id)
        content = jwt.decode(
            bearer, held.secret_sha256, [_ALGORITHM], options={"require": ["exp", "sub"]}
        )
        claims = _Claims.model_validate(content)
    except (jwt.PyJWTError, ValueError, RecursionError):
        return None
    if held.client is None or claims.exp - time.time() > max_hours * _SECONDS_PER_HOUR:
        return None
    return Token(held.client, claims.sub, claims.prediction_id)
