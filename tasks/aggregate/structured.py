"""JSON Lines and Parquet: typed values, every scalar turned into text as it is spelt."""

import datetime
import json
from collections.abc import Iterator
from typing import NoReturn

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.aggregate.files import InputFile, open_text
from tasks.aggregate.params import FileSet
from tasks.aggregate.rows import Cell, Reject, Row, find_fault, reject
from tasks.errors import InputError

_ROWS_PER_BATCH = 4096


def read_json_lines(file: InputFile, files: FileSet, wanted: list[str]) -> Iterator[Row | Reject]:
    """Yield each object's wanted values; a key that a single object lacks is null there.

    Numbers keep the digits they are written with, true and false become those words.
    InputError when the file is empty or no object has a wanted key.
    """
    assert files.encoding, "JSON Lines state their encoding"
    seen: set[str] = set()
    num_lines = num_rows = 0
    with open_text(file, files.encoding) as stream:
        for number, line in enumerate(stream, start=1):
            if line.isspace():
                continue
            num_lines += 1
            row = _parse_line(line, f"{file.name}:{number}")
            if isinstance(row, Row):
                num_rows += 1
                seen.update(row.cells.keys() & wanted)
                row = Row(row.origin, {name: row.cells.get(name) for name in wanted})
            yield row
    if num_lines == 0:
        raise InputError(f"{file.name}: only blank lines. Restore it, or drop it from params.")
    if num_rows and len(seen) < len(wanted):
        missing = [name for name in wanted if name not in seen]
        raise InputError(f"{file.name}: no object has the key {missing}. Correct map in params.")


def _parse_line(line: str, origin: str) -> Row | Reject:
    if fault := find_fault(line):
        return reject(origin, *fault, line)
    try:
        value = parse_json(line)
    except (ValueError, RecursionError) as error:
        cut = "" if line.endswith(("\n", "\r")) else " (last line, without a line end: cut off?)"
        return reject(origin, "json", f"not JSON: {error}{cut}", line)
    if not isinstance(value, dict):
        return reject(origin, "json", f"expected an object, found {line.strip()[:40]}", line)
    return Row(origin, value)


def read_parquet(file: InputFile, _: FileSet, wanted: list[str]) -> Iterator[Row | Reject]:
    """Yield the wanted values; `line` is the row's number. Times stand in ISO 8601, whole in us.

    InputError when the file is no Parquet, has no rows, or lacks a wanted column.
    """
    try:
        table = pq.ParquetFile(file.path)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{file.name}: not readable as Parquet: {error}. Restore it.") from None
    missing = [name for name in wanted if name not in table.schema_arrow.names]
    if missing:
        names = table.schema_arrow.names
        raise InputError(f"{file.name}: column {missing} is missing; found {names}. Correct map.")
    if table.metadata.num_rows == 0:
        raise InputError(f"{file.name}: no rows. Restore it, or drop it from params.")
    number = 0
    for batch in table.iter_batches(_ROWS_PER_BATCH, columns=wanted):
        for cells in _read_batch(_without_nanoseconds(batch)):
            number += 1
            origin = f"{file.name}:{number}"
            if isinstance(cells, str):
                yield reject(origin, "value", f"no text, number or time: {cells}", cells)
            else:
                yield Row(origin, cells)


def _read_batch(batch: pa.RecordBatch) -> list[dict[str, Cell] | str]:
    """Each row's cells, or what is wrong with it."""
    try:
        return [_spell_all(cells) for cells in batch.to_pylist()]
    except (ValueError, OverflowError, TypeError) as error:
        if batch.num_rows == 1:
            return [str(error)]
    return [_read_batch(batch.slice(index, 1))[0] for index in range(batch.num_rows)]


def _spell_all(cells: dict[str, Cell]) -> dict[str, Cell]:
    return {key: _spell(cell) for key, cell in cells.items()}


def parse_json(text: str) -> Cell:
    """JSON with every scalar but null as text; ValueError for NaN and for a key given twice."""
    value: Cell = json.loads(
        text,
        parse_int=str,
        parse_float=str,
        parse_constant=_refuse_constant,
        object_pairs_hook=_object,
    )
    return _spell(value)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")


def _object(pairs: list[tuple[str, Cell]]) -> dict[str, Cell]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError(f"a key is given twice in {[key for key, _ in pairs]}")
    return value


def _spell(value: Cell) -> Cell:
    """Text as it is, true and false as JSON spells them, times in ISO 8601; within lists, too."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return [_spell(item) for item in value]
    if isinstance(value, dict):
        return _spell_all(value)
    if isinstance(value, datetime.date):  # a datetime is a date, too
        return value.isoformat()
    if isinstance(value, bytes):
        raise TypeError(f"bytes {value[:20]!r}")
    return str(value)


def _without_nanoseconds(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Python's times end at microseconds; finer ones would come out as another library's type."""
    columns = [
        column.cast(pa.timestamp("us", column.type.tz), safe=False)
        if pa.types.is_timestamp(column.type) and column.type.unit == "ns"
        else column
        for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, batch.schema.names)
