"""A source's rows in chunks, the same ones at each reading: its columns, and texts to score."""

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.aggregate.delimited import read_delimited
from tasks.aggregate.files import InputFile
from tasks.aggregate.params import FileSet
from tasks.aggregate.rows import Reject, Row, find_fault
from tasks.aggregate.structured import read_json_lines
from tasks.errors import InputError

LineKind = Literal["csv", "tsv", "jsonl"]
ROWS = 4096  # of a chunk, and of a part of the target
_ROWS_AT_ONCE = 64  # of Parquet, which may be of any length
_CHARACTERS = 16_000_000  # a chunk of longer texts ends with the row that exceeds it


class Chunk(NamedTuple):
    """Some rows; where a row has no text to score, its problem says why."""

    columns: pa.Table  # the source's own
    texts: list[str | None]
    problems: list[str | None]


def read_lines(
    file: Path, kind: LineKind, columns: Sequence[str], text_column: str
) -> Iterator[Chunk]:
    """Chunks of CSV, TSV or JSON Lines; every column is text, as it is spelt there.

    A line that is no row keeps its place: empty, with its problem.
    """
    files = FileSet(
        files=["raw/file"], format=kind, encoding="utf-8",
        quoting=None if kind == "jsonl" else True, columns=None,
    )  # fmt: skip
    read = read_json_lines if kind == "jsonl" else read_delimited
    rows = read(InputFile(file, str(file)), files, list(columns))
    for batch in _batched(rows):
        cells = [{} if isinstance(row, Reject) else row.cells for row in batch]
        table = {name: _to_strings(row.get(name) for row in cells) for name in columns}
        texts, problems = _judge([row.get(text_column) for row in cells])
        for index, row in enumerate(batch):
            if isinstance(row, Reject):
                problems[index] = f"not readable: {row.origin}: {row.reason}"
        yield Chunk(pa.table(table), texts, problems)


def read_parquet(file: Path, text_column: str) -> Iterator[Chunk]:
    """Chunks of one Parquet file, its columns as they are."""
    held: list[Chunk] = []
    num_rows = size = 0
    try:
        for batch in pq.ParquetFile(file).iter_batches(_ROWS_AT_ONCE):
            texts, problems = _judge([_text_of(cell) for cell in batch.column(text_column)])
            if held and (num_rows + len(texts) > ROWS or size > _CHARACTERS):
                yield _joined(held)
                held, num_rows, size = [], 0, 0
            held.append(Chunk(pa.Table.from_batches([batch]), texts, problems))
            num_rows += len(texts)
            size += _size_of(batch) + sum(len(text) for text in texts if text)
    except (pa.ArrowException, OSError) as error:
        raise unreadable(file, error) from None
    if held:
        yield _joined(held)


def unreadable(file: Path, error: Exception) -> InputError:
    reason = " ".join(str(error).split())
    return InputError(f"{file}: not readable as Parquet: {reason}. Restore it.")


def _joined(chunks: Sequence[Chunk]) -> Chunk:
    tables, texts, problems = zip(*chunks, strict=True)
    return Chunk(
        pa.concat_tables(tables),
        list(itertools.chain.from_iterable(texts)),
        list(itertools.chain.from_iterable(problems)),
    )


def _size_of(batch: pa.RecordBatch) -> int:
    """In bytes, but for dictionaries, which the batches of a file share."""
    plain = [column for column in batch.columns if not pa.types.is_dictionary(column.type)]
    return sum(column.nbytes for column in plain)


def _batched(rows: Iterable[Row | Reject]) -> Iterator[list[Row | Reject]]:
    batch: list[Row | Reject] = []
    num_characters = 0
    for row in rows:
        batch.append(row)
        if isinstance(row, Row):
            num_characters += sum(len(cell) for cell in row.cells.values() if isinstance(cell, str))
        if len(batch) == ROWS or num_characters > _CHARACTERS:
            yield batch
            batch, num_characters = [], 0
    if batch:
        yield batch


def _judge(cells: Sequence[object]) -> tuple[list[str | None], list[str | None]]:
    texts: list[str | None] = []
    problems: list[str | None] = []
    for cell in cells:
        problem = None
        if not isinstance(cell, str):
            problem = "no text" if cell is None else f"no text: {type(cell).__name__}"
        elif fault := find_fault(cell):
            problem = f"not readable: {fault[1]}"
        texts.append(None if problem else str(cell))
        problems.append(problem)
    return texts, problems


def _text_of(cell: pa.Scalar) -> object:
    """Python's; bytes where a file calls text what is no UTF-8."""
    try:
        return cell.as_py()
    except UnicodeDecodeError:
        return b""


def _to_strings(cells: Iterable[object]) -> pa.Array:
    return pa.array(map(_spell, cells), pa.string())


def _spell(cell: object) -> str | None:
    """Lists and objects of JSON as JSON; what is no Unicode text with escapes."""
    if cell is None:
        return None
    text = cell if isinstance(cell, str) else json.dumps(cell, ensure_ascii=False)
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
