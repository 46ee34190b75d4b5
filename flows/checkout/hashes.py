"""DVC's md5 of files and folders, and the md5s that dvc.lock records; always from the bytes."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pathspec

from flows.checkout.lock_file import DVC_LOCK, read_dvc_lock

_FOLDER = ".dir"  # ends the md5 of a folder, which is that of its listing
_NEVER_IN_OUTPUTS = [".hg/", ".git/", ".git", ".dvc/"]  # as in DVC


class RecordedOut(NamedTuple):
    """An output as dvc.lock has it."""

    stage: str
    path: str
    md5: str


def md5_of(path: Path) -> str:
    """What DVC would record for this file or folder; symlinks count as what they point to."""
    return listing_md5(listing_of(path)) if path.is_dir() else file_md5(path)


def file_md5(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, _md5).hexdigest()


def listing_of(folder: Path) -> dict[str, str]:
    """md5 of each file below by its relative path; DVC skips empty folders, links to folders, and
    what .dvcignore names."""
    files = list(_files_below(folder))
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # hashing lets go of the interpreter's lock
        return dict(
            zip((file.relative_to(folder).as_posix() for file in files),
                pool.map(file_md5, files), strict=True)
        )  # fmt: skip


def listing_md5(listing: dict[str, str]) -> str:
    return hashlib.md5(listing_bytes(listing), usedforsecurity=False).hexdigest() + _FOLDER


def listing_bytes(listing: dict[str, str]) -> bytes:
    """A `.dir` object of DVC's cache, byte for byte."""
    entries = [{"md5": listing[path], "relpath": path} for path in sorted(listing)]
    return json.dumps(entries).encode()


def read_listing(content: bytes) -> dict[str, str]:
    return {entry["relpath"]: entry["md5"] for entry in json.loads(content)}


def read_recorded_outs(file: Path = DVC_LOCK) -> dict[str, RecordedOut]:
    """Outputs in dvc.lock by path; none when there is no dvc.lock yet."""
    stages = read_dvc_lock(file).stages if file.exists() else {}
    return {
        out.path: RecordedOut(name, out.path, out.md5)
        for name, stage in stages.items()
        for out in stage.outs
        if out.md5 and out.hash == "md5"  # DVC before 3.0 wrote md5s of another kind
    }


def _md5() -> "hashlib._Hash":
    return hashlib.md5(usedforsecurity=False)


def _files_below(folder: Path) -> Iterator[Path]:
    ignored = _ignore_patterns()
    place = os.path.relpath(folder)  # patterns speak of paths from the checkout's root
    for root, folders, files in os.walk(folder):
        inside = f"{place}{root[len(str(folder)) :]}"
        folders[:] = [name for name in folders if not ignored.match_file(f"{inside}/{name}/")]
        kept = (name for name in files if not ignored.match_file(f"{inside}/{name}"))
        yield from (Path(root, name) for name in kept)


def _ignore_patterns() -> pathspec.GitIgnoreSpec:
    file = Path(".dvcignore")
    lines: Iterable[str] = file.read_text("utf-8").splitlines() if file.is_file() else []
    return pathspec.GitIgnoreSpec.from_lines([*_NEVER_IN_OUTPUTS, *lines])
