"""What the readers hand on: rows and rejected rows, and the faults any cell can have."""

from typing import NamedTuple

Cell = object  # str as written; list or dict from JSON Lines and Parquet; None where there is none
_SHOWN_CHARACTERS = 500
_FIRST_ESCAPED, _LAST_ESCAPED = 0xDC80, 0xDCFF  # what `surrogateescape` makes of bytes 80 to FF


class Row(NamedTuple):
    """One line of a file; `origin` is FILE:LINE, the first line being 1."""

    origin: str
    cells: dict[str, Cell]


class Reject(NamedTuple):
    """One line that is no row, in the columns of records.REJECTED but for the source."""

    origin: str
    rule: str
    reason: str
    content: str


def reject(origin: str, rule: str, reason: str, content: object) -> Reject:
    """A rejected row whose content can be stored: shortened, and escaped where it is no text."""
    shown = str(content)[:_SHOWN_CHARACTERS].encode("utf-8", "backslashreplace")
    return Reject(origin, rule, reason, shown.decode())


def find_fault(text: str) -> tuple[str, str] | None:
    """Rule and reason why a text cannot be stored as UTF-8 text; None when it can.

    Readers decode with `surrogateescape`, so a byte outside the encoding arrives as U+DC80..DCFF.
    """
    if "\0" in text:
        return "nul", f"NUL character at position {text.index(chr(0)) + 1}"
    if text.isascii():
        return None
    try:
        text.encode()
    except UnicodeEncodeError as error:
        code, position = ord(text[error.start]), error.start + 1
        if _FIRST_ESCAPED <= code <= _LAST_ESCAPED:
            byte = code - _FIRST_ESCAPED + 0x80
            return "undecodable", f"byte 0x{byte:02x} at position {position} breaks the encoding"
        return "surrogate", f"lone surrogate U+{code:04X} at position {position}"
    return None
