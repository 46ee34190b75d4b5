"""What each process of a stage said, apart from the others, as an artifact in the Prefect UI."""

import re
from collections import defaultdict, deque
from collections.abc import Iterable

from prefect.artifacts import create_markdown_artifact
from prefect.logging import get_run_logger

from flows.pages.markdown import page, printable

_OF_RANK = re.compile(r"^\[rank (\d+)\] ?(.*)")  # as torchrun prints it for tasks.train
_KEPT_LINES = 200  # of each; the stage's own files have all


class RankLogs:
    """Takes every line of one stage; a stage of one process leaves no artifact."""

    def __init__(self, stage: str) -> None:
        self.stage = stage
        self.lines: dict[int, deque[str]] = defaultdict(lambda: deque(maxlen=_KEPT_LINES))

    def follow(self, line: str) -> None:
        if found := _OF_RANK.match(line):
            self.lines[int(found[1])].append(found[2])

    def page(self) -> str:
        """A section per rank with its last lines, shown as they are."""
        sections = sorted(self.lines.items())
        return page(*(f"### rank {rank}\n\n{_block(lines)}" for rank, lines in sections))

    def publish(self) -> None:
        """Inside the stage's task run; what cannot be shown costs a warning, never the stage."""
        if not self.lines:
            return
        key = f"ranks-{re.sub('[^a-z0-9]+', '-', self.stage.lower()).strip('-')}"
        try:
            create_markdown_artifact(self.page(), key, f"What each process of {self.stage} said")
        except Exception as error:  # a picture of the work is not the work
            get_run_logger().warning("%s: its ranks' logs are not shown: %s", self.stage, error)


def _block(lines: Iterable[str]) -> str:
    """The lines as they are; none of them can end the block it stands in."""
    text = "\n".join(map(printable, lines))
    fence = "~" * (3 + max(map(len, re.findall("~+", text)), default=0))
    return f"{fence}\n{text}\n{fence}"
