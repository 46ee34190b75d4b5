"""How much somebody may ask: a token bucket each, in a constant amount of memory."""

import time
from collections.abc import Callable
from typing import NamedTuple

_MANY = 10_000  # buckets, after which the full ones are looked for


class Rate(NamedTuple):
    per_second: float
    burst: int  # at once


class RateLimiter:
    """The generic cell rate algorithm: one number per client, the time when it is even again."""

    def __init__(self, rate: Rate, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds_each = 1 / rate.per_second
        self._credit_seconds = rate.burst / rate.per_second
        self._clock = clock
        self._forget_at = _MANY
        self._even_at: dict[str, float] = {}

    def seconds_to_wait(self, client: str, number: int = 1) -> float:
        """0: they may pass, and count; else they do not, and so many seconds later they may."""
        now = self._clock()
        even_at = max(self._even_at.get(client, 0.0), now) + number * self._seconds_each
        wait = even_at - now - self._credit_seconds
        if wait > 0:
            return wait
        self._even_at[client] = even_at
        if len(self._even_at) >= self._forget_at:
            self._forget(now)
        return 0.0

    def _forget(self, now: float) -> None:
        """Who is even again is as one who never came; names that clients make up take no memory."""
        self._even_at = {name: even for name, even in self._even_at.items() if even > now}
        self._forget_at = max(_MANY, 2 * len(self._even_at))
