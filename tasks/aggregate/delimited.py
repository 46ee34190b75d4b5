"""CSV and TSV, line by line: a malformed record costs itself, never its neighbours."""

import csv
import sys
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from tasks.aggregate.files import InputFile, open_text
from tasks.aggregate.params import DELIMITERS, FileSet
from tasks.aggregate.rows import Reject, Row, find_fault, reject
from tasks.errors import InputError

_SHOWN_COLUMNS = 12


class _Shape(NamedTuple):
    """What every record of a file must look like."""

    name: str
    delimiter: str
    columns: list[str]


class _Lines(Iterator[str]):
    """Lines for csv.reader; those of a record that went wrong can be read again."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._again: deque[str] = deque()
        self.taken: list[str] = []  # of the record being read
        self.number = 1  # of the first line of that record

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self.taken.append(line)
        return line

    def start_record(self) -> None:
        self.number += len(self.taken)
        self.taken = []

    def keep_first(self) -> None:
        """Give back all lines of the record but its first."""
        self._again.extendleft(reversed(self.taken[1:]))
        del self.taken[1:]


def read_delimited(file: InputFile, files: FileSet, wanted: list[str]) -> Iterator[Row | Reject]:
    """Yield each record's wanted cells as text; blank lines hold no record.

    InputError when the file is empty, has only a header, or lacks a wanted column.
    """
    assert files.encoding, "csv and tsv state their encoding"
    csv.field_size_limit(sys.maxsize)  # cells are measured later, when the record is whole
    with open_text(file, files.encoding) as stream:
        lines = _Lines(iter(stream))
        options = {"delimiter": DELIMITERS[files.format], "strict": True}
        options["quoting"] = csv.QUOTE_MINIMAL if files.quoting else csv.QUOTE_NONE
        columns = files.columns or _read_header(lines, options, file.name)
        shape = _Shape(file.name, DELIMITERS[files.format], columns)
        indices = _find_columns(shape, wanted)
        num_records = 0
        for record in _read_records(lines, options, shape):
            num_records += 1
            if isinstance(record, Reject):
                yield record
            else:
                origin, cells = record
                yield Row(origin, {name: cells[index] for name, index in indices.items()})
    if num_records == 0:
        raise InputError(
            f"{file.name}: only a header, no rows. Restore it, or drop it from params."
        )


def _read_header(lines: _Lines, options: dict[str, object], name: str) -> list[str]:
    try:
        header = next(csv.reader(lines, **options))  # type: ignore[arg-type]
    except (csv.Error, StopIteration):
        header = []
    fault = find_fault("".join(header))
    if not any(header) or fault or len(set(header)) != len(header):
        why = f" ({fault[1]})" if fault else ""
        raise InputError(
            f"{name}:1: expected a header of differing column names, found {header}{why}. Mend "
            f"the first line, or name the columns in params.yaml."
        )
    return header


def _find_columns(shape: _Shape, wanted: list[str]) -> dict[str, int]:
    missing = [name for name in wanted if name not in shape.columns]
    if missing:
        hint = _hint_delimiter(shape.delimiter.join(shape.columns), shape.delimiter)
        raise InputError(
            f"{shape.name}: column {missing} is missing; found {shape.columns[:_SHOWN_COLUMNS]}"
            f"{hint}. Correct map or columns in params.yaml."
        )
    return {name: shape.columns.index(name) for name in wanted}


def _read_records(
    lines: _Lines, options: dict[str, object], shape: _Shape
) -> Iterator[tuple[str, list[str]] | Reject]:
    """Origin and cells of each record.

    A stray quote can swallow any number of lines up to the next quote. When what comes out is no
    record, only the line with the quote is rejected and reading goes on at the line after it.
    """
    reader = csv.reader(lines, **options)  # type: ignore[arg-type]
    while True:
        lines.start_record()
        try:
            cells, problem = next(reader), ""
        except StopIteration:
            return
        except csv.Error as error:
            cells, problem = [], str(error)
        if not cells and not problem:
            continue
        origin = f"{shape.name}:{lines.number}"
        if problem or len(cells) != len(shape.columns):
            yield _reject_record(lines, origin, problem, len(cells), shape)
            lines.keep_first()
            reader = csv.reader(lines, **options)  # type: ignore[arg-type]
            continue
        content = "".join(lines.taken)
        fault = find_fault(content)
        yield reject(origin, *fault, content) if fault else (origin, cells)


def _reject_record(
    lines: _Lines, origin: str, problem: str, num_cells: int, shape: _Shape
) -> Reject:
    first, num_swallowed = lines.taken[0], len(lines.taken) - 1
    if fault := find_fault(first):
        return reject(origin, *fault, first)
    if num_swallowed:
        reason = f"a quote opens here and swallows the next {num_swallowed:,} lines"
        return reject(origin, "quote", f"{reason}; they are read on their own", first)
    if problem:
        return reject(origin, "quote", f"unbalanced or misplaced quote: {problem}", first)
    hint = _hint_delimiter(first, shape.delimiter) if num_cells == 1 else ""
    if not first.endswith(("\n", "\r")):
        hint += " (last line, without a line end: was the file cut off?)"
    fields = "1 field" if num_cells == 1 else f"{num_cells} fields"
    reason = f"{fields}, expected {len(shape.columns)}{hint}"
    return reject(origin, "fields", reason, first)


def _hint_delimiter(line: str, delimiter: str) -> str:
    others = {"tabs": "\t", "semicolons": ";", "commas": ",", "bars": "|"}
    counts = {name: line.count(sign) for name, sign in others.items() if sign != delimiter}
    name = max(counts, key=lambda key: counts[key])
    if not counts[name]:
        return ""
    return f" (separated by {delimiter!r}, but the line holds {counts[name]} {name}: wrong format?)"
