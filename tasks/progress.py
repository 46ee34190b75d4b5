"""A line of progress every few seconds, readable in a terminal, a log file and the Prefect UI."""

import logging
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")
log = logging.getLogger(__name__)


def track(
    items: Iterable[Item], total: int, unit: str, every_seconds: float = 2.0
) -> Iterator[Item]:
    """Yield the items, logging how many of `total` are done and how fast."""
    started = last = time.monotonic()
    done = 0
    for done, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - last >= every_seconds:
            last = now
            rate = done / (now - started)
            log.info(
                "%s of %s %s (%.0f %%), %.0f/s",
                f"{done:,}",
                f"{total:,}",
                unit,
                100 * done / max(total, 1),
                rate,
            )
