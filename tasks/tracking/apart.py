"""A tracker in a thread of its own, so that training neither waits for it nor fails with it."""

import logging
import queue
import threading
from collections.abc import Callable, Mapping
from operator import methodcaller
from typing import Any

from pytorch_lightning.loggers import Logger

log = logging.getLogger(__name__)


class Apart(Logger):
    """Hands each call on to the tracker that `make` gives, in order, and never waits for it.

    The first thing that goes wrong there is said in one warning and ends the tracker, not the run.
    """

    def __init__(self, label: str, make: Callable[[], Logger]) -> None:
        super().__init__()
        self._label, self._make = label, make
        self._calls: queue.SimpleQueue[Callable[[Logger], object] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name=label, daemon=True)
        self._thread.start()

    @property
    def name(self) -> str:
        return self._label

    @property
    def version(self) -> None:
        return None

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        self._hand_on(methodcaller("log_metrics", metrics, step))

    def log_hyperparams(self, params: Any, *_: Any, **__: Any) -> None:
        self._hand_on(methodcaller("log_hyperparams", params))

    def end(self, status: str) -> None:
        """Nothing follows; Lightning's own `finalize` comes before all is known."""
        self._hand_on(methodcaller("finalize", status))
        self._calls.put(None)

    def wait(self, seconds: float) -> None:
        """Until the tracker has done all it was handed, or that long."""
        self._thread.join(max(0, seconds))
        if self._thread.is_alive():
            log.warning("tracker %s is not done in time and left behind", self._label)

    def _hand_on(self, call: Callable[[Logger], object]) -> None:
        if self._thread.is_alive():
            self._calls.put(call)

    def _serve(self) -> None:
        try:
            tracker = self._make()
            while call := self._calls.get():
                call(tracker)
        except Exception as error:  # whatever a tracker may raise, the training is worth more
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            log.warning("tracker %s is off from here on, training is not: %s", self._label, reason)
