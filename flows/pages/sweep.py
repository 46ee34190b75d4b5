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
        *_pictures(folder),
    )


def _pictures(folder: Path) -> Iterator[str]:
    """Each within its address: a page of the UI has no files beside it."""
    for file in sorted(folder.glob("*.png"), reverse=True):
        content = base64.b64encode(file.read_bytes()).decode()
        title = file.stem.replace("_", " ")
        yield f"### {title.capitalize()}\n\n![{title}](data:image/png;base64,{content})"
