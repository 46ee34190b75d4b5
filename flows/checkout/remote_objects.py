"""Objects of the default DVC remote, wherever it is, read and replaced with DVC's own code."""

import contextlib
import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dvc.config import NoRemoteError
from dvc.repo import Repo

from flows.checkout.cache import is_object_name

_CHUNK_BYTES = 1 << 20


class Remote:
    """The default remote of this checkout while its DVC repository is open."""

    def __init__(self, repo: Any, remote: Any) -> None:
        self.name: str = remote.name
        self._cache_fs = repo.cache.local.fs
        self._objects = remote.odb

    def list_md5s(self, known: set[str]) -> list[str]:
        """All objects there; of a remote that cannot be listed (HTTP), those of the known."""
        if self._objects.fs.CAN_TRAVERSE:
            return sorted(filter(is_object_name, self._objects.all()))
        return sorted(filter(self._objects.exists, known))

    def list_litter(self, min_age_seconds: float) -> list[str]:
        """What broken transfers left, on file systems that know a file's age."""
        if not self._objects.fs.CAN_TRAVERSE:
            return []
        newest = time.time() - min_age_seconds
        paths = [
            path for path in self._objects.fs.find(self._objects.path) if path.endswith(".tmp")
        ]
        return [path for path in paths if self._objects.fs.info(path).get("mtime", newest) < newest]

    def found_md5(self, md5: str) -> str:
        """The md5 of what lies there under this md5."""
        digest = hashlib.md5(usedforsecurity=False)
        with self._objects.fs.open(self._objects.oid_to_path(md5), "rb") as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                digest.update(chunk)
        return digest.hexdigest()

    def replace(self, md5: str, good: Path) -> None:
        """Upload over what lies there, as `dvc push` would have had it not been there."""
        self._objects.delete(md5)
        self._objects.add(str(good), self._cache_fs, md5, check_exists=False)

    def read_into(self, md5: str, target: Path) -> None:
        self._objects.fs.get_file(self._objects.oid_to_path(md5), str(target))

    def forget(self, md5: str) -> None:
        self._objects.delete(md5)

    def remove(self, path: str) -> None:
        self._objects.fs.remove(path)


@contextlib.contextmanager
def default_remote() -> Iterator[Remote | None]:
    with Repo() as repo:
        try:
            remote = repo.cloud.get_remote()
        except NoRemoteError:
            remote = None
        yield Remote(repo, remote) if remote else None
