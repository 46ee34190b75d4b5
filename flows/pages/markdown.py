"""Markdown of values that nobody has vetted: a cell or sentence that can only be read as text."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

LONGEST_TEXT = 200
_SIGNS = re.compile(r"[!-/:-@\[-`{-~]")  # all ASCII punctuation; Markdown lets each be escaped
_NO_LINK = re.compile(r"(?<=http)(?=s?:)|(?<=www)(?=\.)|(?<=\w)(?=@\w)", re.IGNORECASE)


def escaped(value: object, length: int = LONGEST_TEXT) -> str:
    """One line of plain text, shortened; neither Markdown, HTML nor an address in it has effect."""
    text = " ".join(printable(str(value)).split())
    text = text if len(text) <= length else f"{text[: length - 1]}…"
    # GitHub's Markdown makes links of bare addresses even where every sign is escaped
    return _SIGNS.sub(r"\\\g<0>", _NO_LINK.sub("\N{WORD JOINER}", text))


def printable(text: str) -> str:
    """Without what a JSON column refuses (NUL, halves of surrogate pairs) or a page cannot show."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return "".join(sign for sign in whole if sign.isspace() or unicodedata.category(sign) != "Cc")


def code(text: str) -> str:
    """A path or command to copy, in a line of text; not for cells, where `|` would end it."""
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    return f"{fence} {printable(text)} {fence}" if len(fence) > 1 else f"`{printable(text)}`"


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], most_rows: int = 60) -> str:
    """A table whose cells are escaped; what is above `most_rows` is counted instead."""
    lines = [columns, ["---"] * len(columns)]
    shown = [_row([escaped(cell) for cell in row]) for row in rows[:most_rows]]
    if more := len(rows) - len(shown):
        shown.append(f"\nand {more:,} more")
    return "\n".join([*map(_row, lines), *shown])


def page(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)


def section(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A titled table; nothing at all when it has no rows."""
    return f"### {escaped(title)}\n\n{table(columns, rows)}" if rows else ""


def number(value: object) -> str:
    """A count with commas, a share with four digits; anything else as it is written."""
    if isinstance(value, float):
        return f"{value:,.4f}" if value == 0 or abs(value) >= 0.001 else f"{value:.2g}"  # noqa: PLR2004
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Leaves of nested mappings by their dotted keys."""
    leaves: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            leaves |= flat(value, f"{prefix}{key}.")
        else:
            leaves[f"{prefix}{key}"] = value
    return leaves


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
