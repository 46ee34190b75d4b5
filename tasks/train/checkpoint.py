"""Checkpoints on disk: a folder is one only when its manifest, written last, says it is whole."""

import hashlib
import json
import logging
import re
import shutil
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from tasks.artifacts import json_bytes, sha256_of, sync_folder

log = logging.getLogger(__name__)
MANIFEST = "manifest.json"
LAST, BEST = "last", "best"
_NAME = re.compile(rf"({LAST}|{BEST})-(\d+)")


def folder_of(work: Path, kind: str, step: int) -> Path:
    return work / f"{kind}-{step:08d}"


def open_new(folder: Path) -> Path:
    """The empty folder, beside the checkpoint to be, that takes what the processes write."""
    new = folder.with_name(f".{folder.name}.new")
    if new.exists():
        shutil.rmtree(new)
    new.mkdir(parents=True)
    return new


def publish(new: Path, folder: Path, hashes: dict[str, str]) -> None:
    """Make what all processes have written and synced the checkpoint `folder`.

    Args:
        hashes: sha256 of each file in `new`, by name.
    """
    sizes = {name: (new / name).stat().st_size for name in hashes}
    files = {name: {"bytes": sizes[name], "sha256": hashes[name]} for name in sorted(hashes)}
    with (new / MANIFEST).open("wb") as stream:
        stream.write(json_bytes({"files": files}))
    sync_folder(new / MANIFEST)
    sync_folder(new)
    if folder.exists():  # of the same step, before a restart
        shutil.rmtree(folder)
    new.rename(folder)
    sync_folder(folder.parent)


def drop_older(work: Path, kept: Iterable[Path]) -> None:
    """Remove every other checkpoint, and what killed saves have left."""
    names = {folder.name for folder in kept}
    for folder in work.iterdir():
        is_checkpoint = _NAME.fullmatch(folder.name.removeprefix(".").removesuffix(".new"))
        if is_checkpoint and folder.name not in names:
            shutil.rmtree(folder)


def find_newest(work: Path, kind: str) -> Path | None:
    """The newest whole checkpoint of a kind; a damaged one is named in a warning, no more."""
    for folder in sorted(work.glob(f"{kind}-*"), reverse=True):
        if damage := find_damage(folder):
            log.warning("checkpoint %s is passed over: %s", folder, damage)
        else:
            return folder
    return None


def find_damage(folder: Path) -> str | None:
    """What is wrong with a checkpoint, by its manifest's hashes; None when nothing is."""
    try:
        files: dict[str, dict[str, Any]] = json.loads((folder / MANIFEST).read_bytes())["files"]
        for name, expected in files.items():
            size = (folder / name).stat().st_size
            if size != expected["bytes"]:
                return f"{name} has {size} bytes, its manifest says {expected['bytes']}"
            if sha256_of(folder / name) != expected["sha256"]:
                return f"{name} is not what was written (its sha256 differs)"
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"{MANIFEST}: {' '.join(str(error).split())}"
    return None


def fingerprint(params: dict[str, Any], inputs: list[Path]) -> str:
    """Name of one exact training: the same params, code and libraries on the same bytes.

    An input that is no local path (an encoder's hub name) counts by the name in the params.
    """
    libraries = {"torch": torch.__version__, "pytorch_lightning": version("pytorch-lightning")}
    digest = hashlib.sha256(json_bytes({"params": params, "libraries": libraries}))
    code = sorted(Path(__file__).parent.glob("*.py"))
    for source in [*code, *inputs]:
        files = sorted(source.rglob("*")) if source.is_dir() else [source]
        for file in filter(Path.is_file, files):
            digest.update(sha256_of(file).encode())
    return digest.hexdigest()[:16]
