"""A change that ends on its way: the pointer is as before, and the history tells what was."""

import os
from pathlib import Path

import pytest

from tasks.errors import TemporaryError
from tasks.releases import read_history, read_pointer
from tests.tasks.release.side import PLACE, make_live, make_release


class Disk:
    """Fails once, as it syncs the folder in which the pointer has just been renamed."""

    def __init__(self, error: BaseException) -> None:
        self.error, self.fsync = error, os.fsync

    def __call__(self, descriptor: int) -> None:
        renamed = read_pointer(PLACE).live
        if renamed and renamed.version == "v1.1.0":
            os.fsync = self.fsync
            raise self.error
        self.fsync(descriptor)


@pytest.mark.parametrize("error", [OSError("the disk is ill"), KeyboardInterrupt()])
def test_what_was_not_written_to_its_end_is_undone_in_the_history_too(
    packaged: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    first, second = make_release(packaged, "first"), make_release(packaged, "second")
    make_live(first)
    monkeypatch.setattr(os, "fsync", Disk(error))
    with pytest.raises((TemporaryError, KeyboardInterrupt)):
        make_live(second)
    after = read_pointer(PLACE)
    assert (after.live, after.previous) == (first.target, None)
    *_, undo = read_history(PLACE)
    assert undo == after.change
    assert (undo.action, undo.from_version, undo.to_version) == ("put back", "v1.1.0", "v1.0.0")
    assert str(error) in undo.why
    make_live(second)
    assert [change.number for change in read_history(PLACE)] == [1, 2, 3, 4]
