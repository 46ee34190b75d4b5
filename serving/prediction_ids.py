"""Ids of predictions: 32 hex digits, which begin with when it was made."""

import secrets
import time

_TIME_DIGITS = 12  # of milliseconds since 1970, so that a table grows at its end
_RANDOM_BYTES = 10
_MS_PER_SECOND = 1000


def new_prediction_id() -> str:
    return f"{time.time_ns() // 1_000_000:0{_TIME_DIGITS}x}{secrets.token_hex(_RANDOM_BYTES)}"


def age_of(prediction_id: str) -> float:
    """Seconds, if it is an id that was given out."""
    return time.time() - int(prediction_id[:_TIME_DIGITS], 16) / _MS_PER_SECOND
