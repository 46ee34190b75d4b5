"""Finding the files a glob of params.yaml names, and opening them in the declared encoding."""

import codecs
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tasks.aggregate.params import FileSet
from tasks.errors import InputError

_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_PROBED_BYTES = 4096
_NUL_SHARE = 0.2  # UTF-16 of a Latin-script text is half NUL bytes; a damaged file has a few


class InputFile(NamedTuple):
    """`name` is the path as params.yaml would write it, for messages and origins."""

    path: Path
    name: str


def find_files(files: FileSet, folders: Mapping[str, Path], source: str) -> list[InputFile]:
    """All files of a set, each once, sorted by name. InputError for a glob without a match."""
    found = {}
    for glob in files.files:
        folder, _, rest = glob.partition("/")
        paths = [path for path in folders[folder].glob(rest) if path.is_file()]
        if not paths:
            raise InputError(
                f"source '{source}': no file matches '{glob}' (looked in {folders[folder]}). Put "
                f"it there, or correct aggregate.sources in params.yaml."
            )
        for path in paths:
            found[f"{folder}/{path.relative_to(folders[folder]).as_posix()}"] = path
    return [InputFile(found[name], name) for name in sorted(found)]


@contextmanager
def open_text(file: InputFile, encoding: str) -> Iterator[io.TextIOWrapper]:
    """Open without its byte-order mark; bytes outside the encoding become lone surrogates.

    InputError when the file is empty or its first bytes show another encoding than declared.
    """
    with file.path.open("rb") as stream:
        start = stream.read(_PROBED_BYTES)
        stream.seek(0)
        _check_start(start, file.name, encoding)
        name = "utf-8-sig" if encoding == "utf-8" else encoding
        with io.TextIOWrapper(stream, name, errors="surrogateescape", newline="") as text:
            try:
                yield text
            except UnicodeDecodeError as error:  # UTF-16 and its like, where bytes lose their step
                raise InputError(
                    f"{file.name}: not {encoding} from about byte {stream.tell():,} on "
                    f"({error.reason}). Correct its encoding in params.yaml, or mend the file."
                ) from None


def count_lines(file: InputFile) -> int:
    """Line feeds in a file: a cheap total for progress."""
    with file.path.open("rb") as stream:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: stream.read(1 << 20), b""))


def _check_start(start: bytes, name: str, encoding: str) -> None:
    if not start:
        raise InputError(
            f"{name}: the file is empty (0 bytes). Restore it, or drop it from params."
        )
    marked = next((kind for mark, kind in _MARKS.items() if start.startswith(mark)), None)
    if marked is None and _is_bare_utf16(start) and not encoding.startswith("utf-16"):
        marked = "utf-16"
    if marked and not encoding.replace("_", "-").startswith(marked):
        raise InputError(
            f"{name}: the file is {marked.upper()} by its first bytes, declared is {encoding}. "
            f"Set `encoding: {marked}` for it in params.yaml, or convert it."
        )


def _is_bare_utf16(start: bytes) -> bool:
    """UTF-16 without a mark: many NUL bytes, nearly all at even or nearly all at odd places."""
    even, odd = start[0::2].count(0), start[1::2].count(0)
    many = even + odd >= _NUL_SHARE * len(start)
    return many and min(even, odd) * 10 <= max(even, odd)
