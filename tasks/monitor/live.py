"""What is live, since when, and how the running service fares."""

import contextlib
import datetime
from typing import NamedTuple

from tasks.errors import FlywheelError, InputError
from tasks.live_service import find_service, read_state
from tasks.releases import (
    Place,
    Release,
    Target,
    list_versions,
    read_history,
    read_pointer,
    read_release,
)

_GOES_LIVE = ("promote", "put back", "roll back")


class Live(NamedTuple):
    target: Target
    since: datetime.datetime
    newest: str  # release, live or not


def find_live(place: Place) -> Live | None:
    """None before the first release is live."""
    target = read_pointer(place).live
    if target is None:
        return None
    changes = [
        change.at for change in read_history(place)
        if change.action in _GOES_LIVE and change.to_version == target.version
    ]  # fmt: skip
    since = max(changes, default=datetime.datetime.min.replace(tzinfo=datetime.UTC))
    newest = find_newest(place)
    return Live(target, _utc(since), newest.version if newest else target.version)


def find_newest(place: Place) -> Release | None:
    """By its number, which only rises: a clock can be put back. One that lost its record has
    learnt, and nobody knows what: as if it had not."""
    for version in reversed(list_versions(place)):
        with contextlib.suppress(InputError):
            return read_release(place, version)
    return None


def ask_error_share(place: Place, seconds: float) -> tuple[float | None, str]:
    """Of the live release's requests since it was loaded, and why it is not known."""
    try:
        service = find_service(place)
        if service is None:
            return None, "no service runs"
        traffic = read_state(service, seconds).live
    except FlywheelError as error:
        return None, str(error)
    number = traffic.num_requests + traffic.num_errors if traffic else 0
    if traffic is None or not number:
        return None, "it has answered nothing yet"
    return traffic.num_errors / number, ""


def _utc(moment: datetime.datetime) -> datetime.datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
