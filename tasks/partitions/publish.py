"""A set of new partitions goes to its folders as a whole: one rename decides, moves follow."""

import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from tasks.artifacts import json_bytes, sync_folder, sync_tree
from tasks.feedback import ACCEPTED, MANIFESTS, QUARANTINED
from tasks.partitions.decisions import finish_decisions
from tasks.partitions.place import NEW, READY

_REPLACED = "replaced.json"
_FOLDERS = (ACCEPTED, QUARANTINED)


@contextlib.contextmanager
def staged(target: Path) -> Iterator[Path]:
    """Yield an empty folder for new partitions, published when the block has ended well.

    For the holder of the lock, who has settled before.
    """
    new = target / NEW
    new.mkdir()
    yield new
    sync_tree(new)
    new.rename(target / READY)
    sync_folder(target)
    settle(target)


def replace(staging: Path, files: list[Path]) -> None:
    """Have these go when the new ones come; a reader may see neither for a moment, never both."""
    names = [str(file.relative_to(staging.parent)) for file in files]
    (staging / _REPLACED).write_bytes(json_bytes(names))


def settle(target: Path) -> None:
    """Finish what was decided when somebody was killed, and remove what was not."""
    _remove(target / NEW)
    if (target / READY).is_dir():
        _publish(target / READY, target)
        _remove(target / READY)
    finish_decisions(target)
    _remove_orphans(target)


def _publish(ready: Path, target: Path) -> None:
    if (replaced := ready / _REPLACED).exists():
        for name in json.loads(replaced.read_bytes()):
            (target / name).unlink(missing_ok=True)
        _sync(target)
    files = [file for name in _FOLDERS for file in sorted((ready / name).glob("*"))]
    manifests = [file for file in files if file.match(MANIFESTS)]
    for group in ([file for file in files if file not in manifests], manifests):
        for file in group:  # a reader sees a partition from the moment its manifest is there
            file.rename(target / file.parent.name / file.name)
        _sync(target)


def _sync(target: Path) -> None:
    for name in _FOLDERS:
        sync_folder(target / name)


def _remove(folder: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)


def _remove_orphans(target: Path) -> None:
    """Files that no manifest vouches for; whatever they held is still in the store."""
    for name in _FOLDERS:
        for file in (target / name).glob("part-*.parquet"):
            if not file.with_suffix(".json").exists():
                file.unlink()
