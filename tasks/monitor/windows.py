"""The stretches of time that are compared: side by side, the newest ends now."""

import datetime
from typing import NamedTuple


class Window(NamedTuple):
    """From `start` to just before `end`."""

    start: datetime.datetime
    end: datetime.datetime


def windows_until(now: datetime.datetime, hours: float, number: int) -> list[Window]:
    """Oldest first."""
    length = datetime.timedelta(hours=hours)
    return [Window(now - (i + 1) * length, now - i * length) for i in reversed(range(number))]


def place_of(now: datetime.datetime, hours: float) -> int:
    """The same for all moments within one window's length, so that what is found hour after hour
    is one piece of evidence."""
    return int(now.timestamp() // (3600 * hours))
