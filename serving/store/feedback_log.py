"""Corrections on their way to the store: whoever sends one waits until it is on the disk.

One thread takes all that wait and commits them at once, so many clients share one flush.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from itertools import islice
from typing import NamedTuple

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from serving.store.feedback import Rules, store_corrections
from serving.store.problems import explain, is_about_data
from serving.store.records import Correction, Outcome, PredictionRecord

log = logging.getLogger(__name__)
_BATCH = 500  # corrections of one transaction
Find = Callable[[Collection[str]], Mapping[str, PredictionRecord]]


class FullError(Exception):
    """More corrections wait than may, or the log is closed."""


class _Entry(NamedTuple):
    correction: Correction
    answer: "Future[Outcome]"


class FeedbackLog:
    """`find` gives predictions that are not in the store yet."""

    def __init__(self, engine: Engine, rules: Rules, max_waiting: int, find: Find) -> None:
        self._engine = engine
        self._rules = rules
        self._max_waiting = max_waiting
        self._find = find
        self._changed = threading.Condition()  # guards what follows
        self._waiting: deque[_Entry] = deque()
        self._is_closed = False
        self._problem = ""
        self._thread = threading.Thread(target=self._run, name="feedback-log", daemon=True)
        self._thread.start()

    @property
    def num_waiting(self) -> int:
        return len(self._waiting)

    def put(self, correction: Correction) -> "Future[Outcome]":
        """Its outcome once that is certain; a FlywheelError where it is not. FullError at once.

        A future cancelled before its turn is not stored.
        """
        entry = _Entry(correction, Future())
        with self._changed:
            if self._is_closed or len(self._waiting) >= self._max_waiting:
                raise FullError
            self._waiting.append(entry)
            self._changed.notify()
        return entry.answer

    def close(self, seconds: float) -> int:
        """Store what waits, for so long at most; returns how many were left without an answer."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self._thread.join(seconds)
        return self.num_waiting

    def _run(self) -> None:
        while batch := self._next_batch():
            self._store([each for each in batch if each.answer.set_running_or_notify_cancel()])

    def _next_batch(self) -> list[_Entry]:
        """All that wait; empty: the log is closed, and there are none."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_closed)
            batch = list(islice(self._waiting, _BATCH))
            for _ in batch:
                self._waiting.popleft()
        return batch

    def _store(self, batch: Sequence[_Entry]) -> None:
        """Whatever goes wrong, everybody gets an answer, and never a false one.

        One that cannot be stored is found by halving, each half in a transaction of its own.
        """
        corrections = [entry.correction for entry in batch]
        if not corrections:
            return
        try:
            waiting = self._find({correction.prediction_id for correction in corrections})
            outcomes = store_corrections(self._engine, corrections, waiting, self._rules)
        except Exception as error:
            if len(batch) > 1 and not _is_the_stores(error):
                middle = len(batch) // 2
                self._store(batch[:middle])
                self._store(batch[middle:])
            elif is_about_data(error):
                batch[0].answer.set_result(Outcome("unfit"))
            else:
                self._fail(batch, error)
            return
        self._problem = ""
        for entry, outcome in zip(batch, outcomes, strict=True):
            entry.answer.set_result(outcome)

    def _fail(self, batch: Sequence[_Entry], error: Exception) -> None:
        explained = explain(error, self._engine)
        before, self._problem = self._problem, str(explained)
        if self._problem != before:  # once for each problem, not for each try
            log.warning("corrections are refused, the store takes none: %s", explained)
        for entry in batch:
            entry.answer.set_exception(explained)


def _is_the_stores(error: Exception) -> bool:
    """Of all corrections alike, rather than of one of them."""
    return isinstance(error, (SQLAlchemyError, OSError)) and not is_about_data(error)
