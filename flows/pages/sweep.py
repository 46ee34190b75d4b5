"""A finished sweep as a page: what won, how to run it, where its files are."""

import base64
from collections.abc import Iterator
from pathlib import Path

from flows.pages.markdown import code, escaped, page
from tasks.sweep.summary import WINNER, Summary


def sweep_page(summary: Summary, folder: Path) -> str:
    overrides = "\n".join(f"- {code(line)}" for line in summary.winners_assignments())
    return page(
        f"**{escaped(summary.in_one_line())}**",
        f"As overrides of a run, also in {code(str(folder / WINNER))}:",
        overrides,
    )


def pictures(folder: Path) -> Iterator[tuple[str, str]]:
    """Each picture's name and an address that holds all of it: a page has no files beside it."""
    for file in sorted(folder.glob("*.png")):
        content = base64.b64encode(file.read_bytes()).decode()
        yield file.stem.replace("_", "-"), f"data:image/png;base64,{content}"
