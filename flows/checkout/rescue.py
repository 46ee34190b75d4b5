"""Nothing a person made is lost: files in the way are moved to data/.rescued, never deleted."""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from flows.checkout.cache import find_cache, holds
from flows.checkout.hashes import file_md5, listing_of
from tasks.artifacts import sync_folder

RESCUED = Path("data/.rescued")


def rescue_edits(graph_outs: Mapping[str, Sequence[str]], say: Callable[[str], None]) -> list[Path]:
    """Outputs that differ from dvc.lock, by stage: DVC would overwrite them without a question.

    What its cache holds as well can be had back any time and stays; all else is moved away.
    """
    edited = [
        (stage, Path(out))
        for stage, outs in graph_outs.items()
        for out in outs
        if os.path.lexists(out)
    ]
    if not edited:
        return []
    cache, moment = find_cache(), rescue_folder()
    rescued = []
    for stage, path in edited:
        if not _is_held(cache, path):
            rescued.append(move_aside(path, moment))
            say(f"{path}, an output of {stage}, was changed by hand: moved to {rescued[-1]}")
    return rescued


def rescue_folder() -> Path:
    """Named after this moment, in UTC; made when the first file comes."""
    return RESCUED / datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%S.%fZ")


def move_aside(path: Path, folder: Path) -> Path:
    """Move a file or folder to the same place below `folder`, and be sure that it arrived."""
    here = Path.cwd()
    place = path.relative_to(here) if path.is_relative_to(here) else path
    inside = [part for part in place.parts if part not in (place.anchor, "..")]
    target = folder.joinpath(*inside)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(path, target)
    sync_folder(target.parent)
    sync_folder(path.parent)
    return target


def _is_held(cache: Path, path: Path) -> bool:
    try:
        md5s = listing_of(path).values() if path.is_dir() else [file_md5(path)]
    except FileNotFoundError:  # a link to nowhere: kept as it is
        return False
    return all(holds(cache, md5) for md5 in set(md5s))
