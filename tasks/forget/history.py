"""What Prefect keeps of runs: pages, logs and parameters, where texts are escaped and shortened."""

import contextlib
import json
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

from tasks.forget.traces import Traces

_SQLITE = b"SQLite format 3\0"
_LONGEST = 60  # characters of a text that are looked for: a page shows the first 200
_CHUNK = 10_000  # rows
_BLOCK, _OVERLAP = 1 << 26, 1 << 10  # bytes
_SIGNS = (b"\xe2\x81\xa0", b"\\u2060", b"\\")  # word joiners and such: a page escapes by them


def find_in_history(files: Iterable[Path], traces: Traces) -> list[str]:
    """Files, and of a database its tables."""
    tokens = sorted({form for word in traces.words() for form in _forms(word)})
    return [place for file in files for place in _look(file, tokens)] if tokens else []


def _look(file: Path, tokens: list[bytes]) -> Iterator[str]:
    with file.open("rb") as stream:
        is_database = stream.read(len(_SQLITE)) == _SQLITE
    tables = list(_tables_holding(file, tokens)) if is_database else []
    yield from (f"{file}, table {table}" for table in tables)
    if not tables and any(_has(block, tokens) for block in _blocks(file)):
        yield f"{file}, among deleted rows" if is_database else str(file)


def _tables_holding(file: Path, tokens: list[bytes]) -> Iterator[str]:
    with contextlib.closing(
        sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)
    ) as base:
        base.text_factory = bytes
        names = base.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for name in sorted(row[0].decode() for row in names):
            rows = base.execute(f'SELECT * FROM "{name}"')
            while chunk := rows.fetchmany(_CHUNK):
                cells = (cell for row in chunk for cell in row if isinstance(cell, bytes))
                if _has(b"\n".join(cells), tokens):
                    yield name
                    break


def _blocks(file: Path) -> Iterator[bytes]:
    """Each begins with the end of the one before."""
    end = b""
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            yield end + block
            end = block[-_OVERLAP:]


def _has(content: bytes, tokens: list[bytes]) -> bool:
    folded = _fold(content)
    return any(token in folded for token in tokens)


def _forms(word: str) -> set[bytes]:
    start = word[:_LONGEST]
    spellings = (start, json.dumps(start)[1:-1])
    return {_fold(spelling.encode("utf-8", "surrogatepass")) for spelling in spellings}


def _fold(content: bytes) -> bytes:
    for sign in _SIGNS:
        content = content.replace(sign, b"")
    return content
