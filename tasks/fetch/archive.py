"""Chosen members of an archive, or of an archive within it, as plain files in one folder."""

import shutil
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from tasks.errors import InputError
from tasks.fetch.params import Package


class Member(NamedTuple):
    """A file in an archive; `is_plain` is false for links, devices and the like."""

    path: PurePosixPath
    is_plain: bool
    open: Callable[[], IO[bytes]]


def unpack(file: Path, package: Package, folder: Path) -> list[Path]:
    """Copy the package's `members` into `folder` under their base names, sorted by path.

    Nothing is written elsewhere, whatever the archive says. InputError when a pattern matches
    nothing, matches what is no plain file, or two members would get the same name.
    """
    with ExitStack() as stack:
        members = _list_members(stack.enter_context(file.open("rb")), file.name, stack)
        if package.distribution == "source":  # its files lie below one folder NAME-VERSION
            members = [m._replace(path=PurePosixPath(*m.path.parts[1:])) for m in members]
        if package.archive:
            (inner,) = _choose(members, package.archive, file.name)
            members = _list_members(stack.enter_context(inner.open()), package.archive, stack)
        where = f"{file.name}/{package.archive or ''}"
        chosen = {m.path: m for glob in package.members for m in _choose(members, glob, where)}
        folder.mkdir(parents=True)
        return [_copy(chosen[path], folder, where) for path in sorted(chosen)]


def _copy(member: Member, folder: Path, where: str) -> Path:
    target = folder / member.path.name
    if target.exists():
        raise InputError(f"{where}: two members are named {target.name}. Narrow `members`.")
    with member.open() as source, target.open("wb") as copy:
        shutil.copyfileobj(source, copy)
    return target


def _choose(members: list[Member], glob: str, where: str) -> list[Member]:
    chosen = [member for member in members if _matches(member.path, glob)]
    if not chosen:
        found = ", ".join(sorted(str(member.path) for member in members)[:10])
        raise InputError(f"{where}: nothing matches '{glob}'; found {found}, ... Correct params.")
    for member in chosen:
        if not member.is_plain or ".." in member.path.parts or member.path.is_absolute():
            raise InputError(f"{where}: {member.path} is a link or leaves the folder; refused.")
    return chosen


def _matches(path: PurePosixPath, glob: str) -> bool:
    """Part by part, so that `*` never crosses a slash."""
    patterns = PurePosixPath(glob).parts
    if len(patterns) != len(path.parts):
        return False
    return all(map(fnmatchcase, path.parts, patterns))


def _list_members(stream: IO[bytes], name: str, stack: ExitStack) -> list[Member]:
    try:
        if zipfile.is_zipfile(stream):
            return list(_zip_members(stack.enter_context(zipfile.ZipFile(stream))))
        stream.seek(0)
        return list(_tar_members(stack.enter_context(tarfile.open(fileobj=stream))))
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, OSError) as error:
        raise InputError(f"{name}: not a readable zip or tar archive: {error}.") from None


def _zip_members(archive: zipfile.ZipFile) -> Iterator[Member]:
    for info in archive.infolist():
        if not info.is_dir():
            is_link = stat.S_ISLNK(info.external_attr >> 16)  # the upper half is the Unix mode
            yield Member(PurePosixPath(info.filename), not is_link, partial(archive.open, info))


def _tar_members(archive: tarfile.TarFile) -> Iterator[Member]:
    for info in archive.getmembers():
        if not info.isdir():
            content = partial(_extract, archive, info)
            yield Member(PurePosixPath(info.name), info.isreg(), content)


def _extract(archive: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    stream = archive.extractfile(info)
    assert stream, f"{info.name} is a plain file"
    return stream
