"""How far a long stage has come, read from its log lines, as a progress bar in the Prefect UI."""

import re
import threading
import time
from collections.abc import Callable
from contextvars import copy_context
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.logging import get_run_logger

from flows.pages.markdown import escaped

_EVERY_SECONDS = 3.0
_SHORT_STAGE_SECONDS = 5.0  # nobody watches a bar for less
_LAST_WORD_SECONDS = 5.0  # a server that takes longer does not hold up the next stage
_COUNT = re.compile(r"[\d,]+ of [\d,]+ [^()]*\((\d+(?:\.\d+)?) ?%\)")  # as tasks.progress writes
_EPOCH = re.compile(r"\bepoch (\d+) of (\d+):")  # ends an epoch
_BATCH = re.compile(r"\bepoch (\d+)(?: of (\d+))?, batch (\d+) of (\d+)\b")


def read_progress(line: str, num_epochs: int | None = None) -> float | None:
    """Percent done as a log line tells it; None when it tells nothing.

    Where a line about a batch does not say how many epochs there are, `num_epochs` does.
    """
    if found := _COUNT.search(line):
        return min(100.0, float(found[1]))
    if found := _EPOCH.search(line):
        return _share(int(found[1]), int(found[2]))
    if found := _BATCH.search(line):
        epoch, batch, num_batches = int(found[1]), int(found[3]), int(found[4])
        within = batch / max(1, num_batches)
        epochs = int(found[2]) if found[2] else num_epochs
        return _share(epoch - 1 + within, epochs) if epochs else _share(within, 1)
    return None


class Progress:
    """Takes every line of one stage; a slow or absent server never holds the stage up.

    Make it inside the stage's task run. Short stages leave no artifact.
    """

    def __init__(self, stage: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.stage = stage
        self.clock = clock
        self.next_time = clock() + _SHORT_STAGE_SECONDS
        self.num_epochs: int | None = None
        self.artifact: UUID | None = None
        self.sender: threading.Thread | None = None
        self.broken = False

    def follow(self, line: str) -> None:
        """One line of the stage's log."""
        if found := _EPOCH.search(line):
            self.num_epochs = int(found[2])
        percent = read_progress(line, self.num_epochs)
        now = self.clock()
        if percent is None or now < self.next_time or self.broken or self._is_sending():
            return
        self.next_time = now + _EVERY_SECONDS
        self._start(percent, line)

    def finish(self) -> None:
        """The stage has ended well: an artifact that is there says so."""
        if self.sender:
            self.sender.join(_LAST_WORD_SECONDS)
        if self.artifact and not self.broken and not self._is_sending():
            self._start(100.0, "done")
            if self.sender:
                self.sender.join(_LAST_WORD_SECONDS)

    def _is_sending(self) -> bool:
        return self.sender is not None and self.sender.is_alive()

    def _start(self, percent: float, line: str) -> None:
        # Prefect's client tries for a minute when the server is away; the stage's pipe would fill
        run = copy_context().run
        self.sender = threading.Thread(target=run, args=(self._send, percent, line), daemon=True)
        self.sender.start()

    def _send(self, percent: float, line: str) -> None:
        try:
            description = escaped(line)
            if self.artifact:
                update_progress_artifact(self.artifact, percent, description)
            else:
                key = f"progress-{re.sub('[^a-z0-9]+', '-', self.stage.lower()).strip('-')}"
                self.artifact = create_progress_artifact(percent, key, description)  # type: ignore[assignment]
        except Exception as error:  # a picture of the work is not the work
            self.broken = True
            get_run_logger().warning("%s: its progress is not shown: %s", self.stage, error)


def _share(done: float, of: int) -> float:
    return round(min(100.0, 100 * done / max(1, of)), 1)
