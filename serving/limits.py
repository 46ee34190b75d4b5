"""How much a client may ask: a token bucket per API key, in a constant amount of memory each."""

import time
from collections.abc import Callable

from serving.params import LimitParams


class RateLimiter:
    """The generic cell rate algorithm: one number per client, the time when it is even again."""

    def __init__(self, params: LimitParams, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds_each = 1 / params.texts_per_second
        self._credit_seconds = params.burst_texts / params.texts_per_second
        self._clock = clock
        self._even_at: dict[str, float] = {}

    def seconds_to_wait(self, client: str, num_texts: int = 1) -> float:
        """0: they may pass, and count; else they do not, and so many seconds later they may."""
        now = self._clock()
        even_at = max(self._even_at.get(client, 0.0), now) + num_texts * self._seconds_each
        wait = even_at - now - self._credit_seconds
        if wait > 0:
            return wait
        self._even_at[client] = even_at
        return 0.0
