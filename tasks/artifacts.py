"""Outputs that are whole or absent: written beside the target, synced, renamed into place."""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO


@contextlib.contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Yield an empty private folder that becomes `target` only if the block ends without error.

    Until then an earlier `target` stays as it is; a kill at any moment leaves the old folder, the
    new one, or none (then the old one comes back with the next call), never a mixture. Hidden
    leftovers of killed runs are removed on the way.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    new, old = (target.with_name(f".{target.name}.{state}") for state in ("new", "old"))
    _settle(target, new, old)
    new.mkdir()
    try:
        yield new
        sync_tree(new)
        if target.exists():
            target.rename(old)
        new.rename(target)
        sync_folder(target.parent)
    finally:
        _settle(target, new, old)


@contextlib.contextmanager
def whole_file(target: Path) -> Iterator[IO[bytes]]:
    """Yield a stream whose content becomes `target` only if the block ends without error.

    A reader sees the old content or the new, never a part; of writers at once each waits for the
    one before it. What a killed one has left is written over by the next.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    new = target.with_name(f".{target.name}.new")
    with _opened_alone(new) as stream:
        try:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
            new.replace(target)
            sync_folder(target.parent)
        finally:
            if _is_there(new, stream):  # nobody else removes or renames it until it is closed
                new.unlink()


def json_bytes(value: object) -> bytes:
    """The same value always gives the same bytes; NaN and infinity are refused."""
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode()


def write_json(target: Path, value: object) -> None:
    with whole_file(target) as stream:
        stream.write(json_bytes(value))


def sha256_of(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sync_tree(folder: Path) -> None:
    """Force every file and folder below to the disk, files before the folders that name them."""
    for path in sorted(folder.rglob("*"), reverse=True):
        sync_folder(path)
    sync_folder(folder)


def sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _opened_alone(file: Path) -> Iterator[IO[bytes]]:
    """To write, empty, under a lock that goes with the stream, or with its process."""
    while True:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT, 0o666), "wb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            if _is_there(file, stream):  # else the one before has made it the target, or given up
                stream.truncate()
                yield stream
                return


def _is_there(file: Path, stream: IO[bytes]) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(file.stat(), os.fstat(stream.fileno()))
    return False


def _settle(target: Path, new: Path, old: Path) -> None:
    """Between the two renames only `old` holds the outputs; it goes back, never away."""
    if old.exists() and not target.exists():
        old.rename(target)
    _remove(new)
    _remove(old)


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
