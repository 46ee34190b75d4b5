"""What is to be scored: one file or a folder of Parquet, its columns, and whether it changed."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from serving.batch.chunks import Chunk, LineKind, read_lines, read_parquet, unreadable
from tasks.aggregate.files import InputFile, count_lines, open_text
from tasks.aggregate.params import DELIMITERS
from tasks.aggregate.rows import find_fault
from tasks.aggregate.structured import parse_json
from tasks.artifacts import sha256_of
from tasks.errors import InputError

_KINDS: dict[str, LineKind] = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_PARQUET = ".parquet"
_MAX_COLUMNS = 1000
_SHOWN_COLUMNS = 12
_MAX_NAME = 2**17  # characters


class Source(NamedTuple):
    """One file, or the Parquet files of a folder in the order of their paths."""

    path: Path
    files: list[Path]
    schema: pa.Schema
    text_column: str
    num_rows: int  # of lines, where a row may take several
    stamps: list[tuple[int, int]]  # of the files, when it was opened

    def read(self) -> Iterator[Chunk]:
        """InputError when a file turns out not to be what its beginning promised."""
        for file in self.files:
            if file.suffix.lower() == _PARQUET:
                yield from read_parquet(file, self.text_column)
            else:
                kind = _KINDS[file.suffix.lower()]
                yield from read_lines(file, kind, self.schema.names, self.text_column)

    def fingerprint(self) -> dict[str, str]:
        """sha256 of each file."""
        return {_name_of(file, self.path): sha256_of(file) for file in self.files}

    def check_unchanged(self) -> None:
        """InputError when a file was written to since it was opened."""
        if _stamp(self.files) != self.stamps:
            raise InputError(
                f"{self.path}: changed while it was scored. Score it anew into another target, or "
                "put it back and go on with this one."
            )


def open_source(path: Path, text_column: str) -> Source:
    """InputError when there is nothing to score, or no text in that column."""
    files = sorted(path.rglob(f"*{_PARQUET}")) if path.is_dir() else [path]
    if not files or not files[0].is_file():
        raise InputError(
            f"{path}: nothing to score there. Name a file, or a folder of Parquet files."
        )
    if files[0].suffix.lower() not in (*_KINDS, _PARQUET):
        raise InputError(
            f"{path}: unknown kind of file; expected {', '.join([*_KINDS, _PARQUET])}. Name it so "
            "if it is one of these."
        )
    stamps = _stamp(files)
    if files[0].suffix.lower() == _PARQUET:
        schema, num_rows = _read_schemas(files)
    else:
        schema, num_rows = _name_columns(path), count_lines(InputFile(path, str(path)))
    _check_text_column(path, schema, text_column)
    return Source(path, files, schema, text_column, num_rows, stamps)


def _stamp(files: Sequence[Path]) -> list[tuple[int, int]]:
    """What tells cheaply that a file was written to meanwhile."""
    found = [file.stat() for file in files]
    return [(stat.st_size, stat.st_mtime_ns) for stat in found]


def _read_schemas(files: Sequence[Path]) -> tuple[pa.Schema, int]:
    first: pa.Schema | None = None
    num_rows = 0
    for file in files:
        try:
            found = pq.ParquetFile(file)
        except (pa.ArrowException, OSError) as error:
            raise unreadable(file, error) from None
        schema = found.schema_arrow.remove_metadata()
        first = first or schema
        if not schema.equals(first):
            raise InputError(
                f"{file}: columns {_shown(schema)}, but {files[0].name} has {_shown(first)}. Score "
                "files of differing columns into targets of their own."
            )
        num_rows += found.metadata.num_rows
    assert first is not None
    return first, num_rows


def _name_columns(file: Path) -> pa.Schema:
    kind = _KINDS[file.suffix.lower()]
    with open_text(InputFile(file, str(file)), "utf-8") as stream:
        if kind == "jsonl":
            names = _collect_keys(stream, file)
        else:
            names = _read_header(stream, file, DELIMITERS[kind])
    if fault := find_fault("".join(names)):
        raise InputError(
            f"{file}: a column's name is not readable: {fault[1]}, expected UTF-8. Convert it."
        )
    return pa.schema([(name, pa.string()) for name in names])


def _read_header(lines: Iterator[str], file: Path, delimiter: str) -> list[str]:
    csv.field_size_limit(_MAX_NAME)  # or a quote without its end takes the whole file
    try:
        return next(csv.reader(lines, delimiter=delimiter), [])
    except csv.Error as error:
        raise InputError(
            f"{file}:1: not readable as a header: {error}. Mend the first line."
        ) from None


def _collect_keys(lines: Iterator[str], file: Path) -> list[str]:
    """Keys of all objects in the order met; a line that the reader rejects names no column."""
    names: dict[str, None] = {}
    for line in lines:
        if find_fault(line):
            continue
        try:
            value = parse_json(line)
        except (ValueError, RecursionError):
            continue
        names.update(dict.fromkeys(value if isinstance(value, dict) else ()))
        if len(names) > _MAX_COLUMNS:
            raise InputError(
                f"{file}: more than {_MAX_COLUMNS:,} different keys. Put values that are no "
                "columns into one object, which is kept as JSON."
            )
    return list(names)


def _check_text_column(path: Path, schema: pa.Schema, name: str) -> None:
    count = schema.names.count(name)
    if count != 1:
        raise InputError(
            f"{path}: {count or 'no'} column {name!r}, found {_shown(schema)}. Say which one holds "
            "the texts: --text-column NAME."
        )
    kind = schema.field(name).type
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    if not (pa.types.is_string(value) or pa.types.is_large_string(value)):
        raise InputError(f"{path}: column {name!r} holds {kind}, expected text. Name another one.")


def _shown(schema: pa.Schema) -> str:
    fields = [f"{field.name} ({field.type})" for field in schema]
    more = ["..."] if len(fields) > _SHOWN_COLUMNS else []
    return ", ".join([*fields[:_SHOWN_COLUMNS], *more])


def _name_of(file: Path, root: Path) -> str:
    return file.name if file == root else file.relative_to(root).as_posix()
