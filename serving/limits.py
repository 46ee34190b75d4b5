"""How often a client may ask: a token bucket per API key, in a constant amount of memory each."""

import time
from collections.abc import Callable

from serving.params import LimitParams


class RateLimiter:
    """The generic cell rate algorithm: one number per client, the time when it is even again."""

    def __init__(self, params: LimitParams, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds_each = 1 / params.requests_per_second
        self._credit_seconds = params.burst / params.requests_per_second
        self._clock = clock
        self._even_at: dict[str, float] = {}

    def seconds_to_wait(self, client: str) -> float:
        """0: this request may pass, and counts; else it does not, and so many seconds later may."""
        now = self._clock()
        even_at = max(self._even_at.get(client, 0.0), now) + self._seconds_each
        wait = even_at - now - self._credit_seconds
        if wait > 0:
            return wait
        self._even_at[client] = even_at
        return 0.0
