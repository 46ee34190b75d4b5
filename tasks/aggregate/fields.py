"""From a row's cells to an example's fields: text, id, votes, raters and time."""

import datetime
import sys
from typing import NamedTuple

from tasks.aggregate.params import Columns, JsonVotes, SeparatedVotes, Source
from tasks.aggregate.rows import Cell, Reject, Row, find_fault, reject
from tasks.aggregate.structured import parse_json

_SHOWN_CHARACTERS = 80
_VOTE_KEYS = {"rater", "vote"}


class Example(NamedTuple):
    """One text and what people said of it; `raters` is as long as `votes`, or None."""

    source_id: str | None
    text: str
    votes: list[str]
    raters: list[str | None] | None
    created_at: datetime.datetime | None
    origin: str


class _BadCellError(Exception):
    """Rule and reason why a cell cannot become a field."""


def parse_example(row: Row, source: Source, max_cell_characters: int) -> Example | Reject:
    """An empty or null cell means: no vote, no time. Text may be empty; `clean` judges it."""
    try:
        _check_cells(row.cells, max_cell_characters)
        cells, columns = row.cells, source.map
        votes, raters = _parse_votes(cells, columns, source.votes)
        return Example(
            None if columns.source_id is None else _source_id(cells, columns.source_id),
            _text(cells, columns.text),
            votes,
            raters,
            _parse_time(cells, columns.created_at),
            row.origin,
        )
    except _BadCellError as bad:
        rule, reason = bad.args
        return reject(row.origin, rule, reason, row.cells)


def _check_cells(cells: dict[str, Cell], max_characters: int) -> None:
    for key, cell in cells.items():
        if isinstance(cell, str) and (
            len(cell) > max_characters or "\0" in cell or not cell.isascii()
        ):
            _check_text(cell, key, max_characters)


def _check_text(text: str, key: str, max_characters: int) -> None:
    if len(text) > max_characters:
        size = f"{len(text):,} characters in '{key}', at most {max_characters:,}"
        raise _BadCellError("long_cell", f"{size} (aggregate.max_cell_characters)")
    if fault := find_fault(text):
        raise _BadCellError(fault[0], f"{fault[1]} of '{key}'")


def _text(cells: dict[str, Cell], key: str) -> str:
    cell = cells[key]
    if not isinstance(cell, str):
        raise _BadCellError("text", f"'{key}' is {_shown(cell)}, expected text")
    return cell


def _source_id(cells: dict[str, Cell], key: str) -> str:
    cell = cells[key]
    if not isinstance(cell, str) or not cell:
        raise _BadCellError("id", f"'{key}' is {_shown(cell)}, expected an id")
    return cell


def _optional(cells: dict[str, Cell], key: str | None, rule: str) -> str | None:
    cell = cells[key] if key else None
    if cell is None or cell == "":
        return None
    if not isinstance(cell, str):
        raise _BadCellError(rule, f"'{key}' is {_shown(cell)}, expected one value")
    return cell


def _parse_votes(
    cells: dict[str, Cell], columns: Columns, votes: JsonVotes | SeparatedVotes | None
) -> tuple[list[str], list[str | None] | None]:
    if votes is None or columns.votes is None:
        label = _optional(cells, columns.label, "votes")
        raters = None if columns.rater is None else [_optional(cells, columns.rater, "rater")]
        return ([], raters and []) if label is None else ([label], raters)
    cell = cells[columns.votes]
    if cell is None or cell == "":
        return [], None
    if isinstance(votes, SeparatedVotes):
        return _split_votes(cell, votes.separator), None
    return _list_votes(cell)


def _split_votes(cell: Cell, separator: str) -> list[str]:
    if not isinstance(cell, str):
        raise _BadCellError("votes", f"votes are {_shown(cell)}, expected text with separators")
    found = [vote.strip() for vote in cell.split(separator)]
    if not all(found):
        reason = f"an empty vote in {_shown(cell)}, separated by {separator!r}"
        raise _BadCellError("votes", reason)
    return found


def _list_votes(cell: Cell) -> tuple[list[str], list[str | None] | None]:
    value = cell
    if isinstance(cell, str):
        try:
            value = parse_json(cell)
        except (ValueError, RecursionError) as error:
            raise _BadCellError("votes", f"votes {_shown(cell)} are not JSON: {error}") from None
    if not isinstance(value, list):
        raise _BadCellError("votes", f"votes are {_shown(value)}, expected a JSON list")
    raters: list[str | None] | None = None
    if value and all(isinstance(item, dict) and set(item) == _VOTE_KEYS for item in value):
        raters = [item["rater"] for item in value]
        value = [item["vote"] for item in value]
        if not all(isinstance(rater, str) for rater in raters) or len(set(raters)) != len(raters):
            raise _BadCellError("votes", f"raters {_shown(raters)} must be given and differ")
    if not all(isinstance(vote, str) and vote for vote in value):
        expected = 'scalars, or objects {"rater": ..., "vote": ...}'
        raise _BadCellError("votes", f"votes {_shown(value)}, expected a list of {expected}")
    _check_text("".join([*value, *(rater or "" for rater in raters or [])]), "votes", sys.maxsize)
    return value, raters


def _parse_time(cells: dict[str, Cell], key: str | None) -> datetime.datetime | None:
    """ISO 8601 or a date alone (its midnight); without an offset it is UTC."""
    cell = _optional(cells, key, "time")
    if cell is None:
        return None
    try:
        time = datetime.datetime.fromisoformat(cell.strip())
        if time.tzinfo is None:
            return time.replace(tzinfo=datetime.UTC)
        return time.astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        expected = "a date or time of ISO 8601 (2024-12-31T23:59:59Z)"
        raise _BadCellError("time", f"'{key}' is {_shown(cell)}, expected {expected}") from None


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."
