"""What is known of releases and of changes, as far as it can be read: damage stops nobody here."""

import contextlib

from tasks.errors import InputError
from tasks.releases import Change, Place, Release, history_lines, list_versions, read_release


def list_releases(place: Place) -> list[Release]:
    """By version, oldest first."""
    releases: list[Release] = []
    for version in list_versions(place):
        with contextlib.suppress(InputError):
            releases.append(read_release(place, version))
    return releases


def find_release(place: Place, manifest_sha256: str | None) -> Release | None:
    """The newest that has this bundle: one that is asked another question is released again."""
    for release in reversed(list_releases(place)):
        if release.manifest_sha256 == manifest_sha256:
            return release
    return None


def find_models(place: Place, version: str) -> dict[str, str]:
    """By name, the sha256 of the release's networks; none where that cannot be read any more."""
    from tasks.bundle import MANIFEST, MODELS, Manifest, read_document  # noqa: PLC0415 - the runtime

    with contextlib.suppress(InputError):
        files = read_document(place.bundle(version) / MANIFEST, Manifest).files
        return {name: files[name].sha256 for name in MODELS.values() if name in files}
    return {}


def last_number(place: Place) -> int:
    """Of the changes in the history, where the pointer itself cannot be read."""
    numbers = [0]
    for line in history_lines(place):
        with contextlib.suppress(ValueError):
            numbers.append(Change.model_validate_json(line).number)
    return max(numbers)
