"""The model card as a page of the UI, which can show its words but not its pictures."""

import re
from pathlib import Path

from flows.pages.markdown import code, printable

_PICTURE = re.compile(r"!\[([^\]]*)\]\((?!https?:)([^)\s]+)\)")
_LONGEST_CARD = 100_000


def card_page(card: Path) -> str:
    """The card, with each picture named by its file: a page of the UI has no files beside it."""
    text = printable(card.read_text(encoding="utf-8", errors="replace"))
    if len(text) > _LONGEST_CARD:
        text = f"{text[:_LONGEST_CARD]}…\n\nThe whole of it: {code(str(card))}"

    def name_file(found: re.Match[str]) -> str:
        return f"{found[1]}: {code(str(card.parent / found[2]))}"

    return _PICTURE.sub(name_file, text)
