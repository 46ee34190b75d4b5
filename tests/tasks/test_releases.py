"""Pointer and history: replaced as a whole, mended after a kill, never in the way."""

import datetime
from pathlib import Path

import pytest

from tasks.errors import InputError
from tasks.releases import (
    NOTHING,
    Change,
    Place,
    Pointer,
    Target,
    is_version,
    list_versions,
    numbers_of,
    read_history,
    read_pointer,
    read_release,
    swap_pointer,
)

FIRST = Target(version="v1.0.0", manifest_sha256="a" * 64)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "live")


def pointer(number: int) -> Pointer:
    change = Change(
        number=number, action="promote", at=datetime.datetime(2026, 1, number, tzinfo=datetime.UTC),
        who="ann", why="x", from_version=None, to_version="v1.0.0",
    )  # fmt: skip
    return NOTHING.model_copy(update={"live": FIRST, "change": change})


def test_before_the_first_release_nothing_is_live(place: Place) -> None:
    assert read_pointer(place) == NOTHING
    assert read_history(place) == []
    assert list_versions(place) == []
    with pytest.raises(InputError, match="Releases that are there: none"):
        read_release(place, "v1.0.0")


def test_a_change_that_was_killed_before_its_line_is_in_the_history_all_the_same(
    place: Place,
) -> None:
    swap_pointer(place, pointer(1))
    lines = place.history.read_bytes()
    swap_pointer(place, pointer(2))
    place.history.write_bytes(lines + b'{"number": 2, "act')  # as a disk that filled up leaves it
    assert [change.number for change in read_history(place)] == [1, 2]
    swap_pointer(place, pointer(3))
    assert [change.number for change in read_history(place)] == [1, 2, 3]
    assert place.history.read_bytes().count(b"\n") == 3


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"live": 1}', b"\xff"])
def test_a_pointer_that_is_none_says_so_and_how_to_mend_it(place: Place, content: bytes) -> None:
    place.folder.mkdir()
    place.pointer.write_bytes(content)
    with pytest.raises(InputError, match=r"pointer\.json: .*rollback --to VERSION"):
        read_pointer(place)


@pytest.mark.parametrize("name", ["v1.0.0", "v10.200.3", "v0.0.1"])
def test_a_version_is_three_numbers(name: str) -> None:
    assert is_version(name)
    assert numbers_of("v1.10.0") > numbers_of("v1.9.9")


@pytest.mark.parametrize(
    "name",
    ["1.0.0", "v1.0", "v1.0.0.0", "v01.0.0", "v1.0.0\n", "v1.0.-1", "v\u0661.0.0", "../v1.0.0", ""],
)
def test_anything_else_is_none(name: str, place: Place) -> None:
    assert not is_version(name)
    with pytest.raises(InputError, match="no version, such as"):
        read_release(place, name)
