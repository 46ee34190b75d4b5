"""A training stopped after any of its checkpoints ends in the bytes of an undisturbed one."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from tasks.train.checkpoint import LAST
from tasks.train.sharded import FolderCheckpoints
from tests.tasks.train.workspace import train, write_workspace

pytestmark = pytest.mark.slow
NUM_BATCHES = 8  # of an epoch; the last one is followed by validation, not by a checkpoint
NUM_SAVES = 3 * (NUM_BATCHES - 1)


class Stopped(Exception):
    """What a kill right after a save leaves on disk, without the price of a new process."""


def digests(folder: Path) -> dict[str, str]:
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted((folder / "models/train").rglob("*"))
        if file.is_file()
    }


def stop_after(monkeypatch: pytest.MonkeyPatch, num_saves: int | None) -> list[Path]:
    """Let the n-th save of `last` be the end; returns the list of saves, filled as they come."""
    save, saves = FolderCheckpoints.save_checkpoint, []

    def save_and_stop(self: FolderCheckpoints, state: Any, path: Any, **options: Any) -> None:
        save(self, state, path, **options)
        if Path(path).name.startswith(LAST):
            saves.append(Path(path))
            if len(saves) == num_saves:
                raise Stopped

    monkeypatch.setattr(FolderCheckpoints, "save_checkpoint", save_and_stop)
    return saves


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = write_workspace(tmp_path_factory.mktemp("undisturbed"))
    with pytest.MonkeyPatch.context() as patch:
        saves = stop_after(patch, None)
        train(folder)
    assert len(saves) == NUM_SAVES
    return digests(folder)


@pytest.mark.parametrize("num_saves", range(1, NUM_SAVES + 1))
def test_it_resumes_from_every_checkpoint_to_the_same_bytes(
    undisturbed: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, num_saves: int
) -> None:
    folder = write_workspace(tmp_path)
    with monkeypatch.context() as patch:
        stop_after(patch, num_saves)
        with pytest.raises(Stopped):
            train(folder)
    assert not (folder / "models/train").exists()
    train(folder)
    assert digests(folder) == undisturbed
