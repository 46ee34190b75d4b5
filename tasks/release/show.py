"""Releases and their history as lines of text."""

import contextlib

from tasks.errors import InputError
from tasks.releases import (
    NOTHING,
    Change,
    Place,
    Pointer,
    list_versions,
    read_history,
    read_pointer,
    read_release,
)


def release_lines(place: Place) -> list[str]:
    """Newest first: version, where it serves, verdict, run; a damaged one says so."""
    pointer = NOTHING
    with contextlib.suppress(InputError):
        pointer = read_pointer(place)
    lines = [_release_line(place, version, pointer) for version in list_versions(place)]
    return lines[::-1] or ["No release yet; make run makes the first."]


def change_lines(place: Place) -> list[str]:
    """Newest first."""
    lines = [change_line(change) for change in read_history(place)]
    return lines[::-1] or ["Nothing was ever live."]


def change_line(change: Change) -> str:
    way = f"{change.from_version or 'nothing'} -> {change.to_version or 'nothing'}"
    at = change.at.strftime("%F %T")
    return (
        f"{change.number:>4}  {at} UTC  {change.action:<13}  {way:<20}  {change.who}: {change.why}"
    )


def _release_line(place: Place, version: str, pointer: Pointer) -> str:
    serves = [
        name for name in ("live", "previous", "canary", "shadow")
        if (target := getattr(pointer, name)) and target.version == version
    ]  # fmt: skip
    try:
        release = read_release(place, version)
    except InputError as error:
        return f"{version:<10}  {' '.join(serves):<9}  damaged: {error}"
    against = f"against {release.champion}" if release.champion else "no champion"
    at = release.judged_at.strftime("%F %H:%M")
    judged = f"{release.decision:<9}  {against:<16}  {at} UTC"
    return f"{version:<10}  {' '.join(serves):<9}  {judged}  {release.run}"
