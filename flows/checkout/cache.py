"""DVC's cache of this checkout, read without DVC: which bytes it holds, and are they still good."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from flows.checkout.hashes import file_md5, read_listing
from flows.checkout.surroundings import dvc_environment
from tasks.errors import InputError

_OBJECT_NAME = re.compile(r"[0-9a-f]{32}(\.dir)?")
_PREFIX_CHARACTERS = 2  # of an object's md5: the folder it lies in


def find_cache() -> Path:
    """The folder of objects, wherever DVC's layers of config put it."""
    command = [sys.executable, "-m", "dvc", "cache", "dir"]
    environment = {**os.environ, **dvc_environment()}
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        reason = " ".join(done.stderr.split())
        raise InputError(f".dvc/config: DVC does not say where its cache is: {reason}")
    return Path(done.stdout.strip(), "files", "md5")


def object_of(cache: Path, md5: str) -> Path:
    return cache / md5[:_PREFIX_CHARACTERS] / md5[_PREFIX_CHARACTERS:]


def list_objects(cache: Path) -> Iterator[tuple[str, Path]]:
    """Every object by the md5 it should have, in order; no leftovers of broken transfers."""
    for folder in sorted(cache.glob("[0-9a-f]" * _PREFIX_CHARACTERS)):
        for file in sorted(folder.iterdir()):
            if is_object_name(name := folder.name + file.name):
                yield name, file


def is_object_name(name: str) -> bool:
    return _OBJECT_NAME.fullmatch(name) is not None


def holds(cache: Path, md5: str) -> bool:
    """The object is there and still has its bytes; DVC trusts the file's mode instead."""
    file = object_of(cache, md5)
    return file.is_file() and file_md5(file) == md5.removesuffix(".dir")


def cached_listing(cache: Path, md5: str) -> dict[str, str] | None:
    """Files of a recorded folder by md5, unless its object is missing or damaged."""
    return read_listing(object_of(cache, md5).read_bytes()) if holds(cache, md5) else None
