"""Predictions on their way to the store: taken in microseconds, written in the background."""

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Collection, Sequence
from itertools import islice

from sqlalchemy import Engine

from serving.params import PredictionLogParams
from serving.store.insert import insert_predictions
from serving.store.policy import Policy
from serving.store.problems import explain, is_about_data
from serving.store.records import LogState, PredictionRecord
from tasks.privacy import PrivacyParams

log = logging.getLogger(__name__)
_BATCH = 500  # predictions of one transaction
_GATHER_SECONDS = 0.05  # that a prediction waits for company: one flush to the disk serves all
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.1, 5.0
_CHARACTERS_PER_PLACE = 1000  # a longer text takes several of the places to wait in


class PredictionLog:
    """One thread writes what `put` takes, from the beginning until `close`.

    While the database is away predictions wait, and the newest are dropped when there are too many.
    """

    def __init__(self, engine: Engine, params: PredictionLogParams, privacy: PrivacyParams) -> None:
        self._engine = engine
        self._policy = Policy(params.keep, privacy)
        self._lock = threading.Lock()  # of what follows; held for microseconds
        self._waiting: deque[PredictionRecord] = deque()  # those being written included
        self._free = params.max_waiting
        self._state = LogState(0, 0, 0, 0, "")
        self._end = math.inf  # when to give up
        self._woken = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="prediction-log", daemon=True)
        self._thread.start()

    def put(self, records: Sequence[PredictionRecord]) -> int:
        """Take predictions, or drop those without room; returns how many. Never waits or raises."""
        dropped = 0
        with self._lock:
            closed = self._closing.is_set()
            for record in records:
                places = _places_of(record)
                if closed or (places > self._free and self._waiting):
                    dropped += 1
                else:
                    self._free -= places
                    self._waiting.append(record)
            if dropped:
                self._count(dropped=dropped)
        if not self._woken.is_set():
            self._woken.set()
        return dropped

    def state(self) -> LogState:
        with self._lock:
            return self._state._replace(waiting=len(self._waiting))

    def find(self, prediction_ids: Collection[str]) -> dict[str, PredictionRecord]:
        """Those of these that wait: whatever does not is in the store, or nowhere."""
        with self._lock:
            waiting = list(self._waiting)
        return {
            each.prediction_id: each for each in waiting if each.prediction_id in prediction_ids
        }

    def close(self, seconds: float) -> int:
        """Write what waits, for so long at most; returns how many predictions are lost."""
        with self._lock:
            self._end = time.monotonic() + seconds
            self._closing.set()
        self._woken.set()
        self._thread.join(seconds)
        return self.state().waiting

    def _run(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while batch := self._next_batch():
            try:
                refused = self._write(batch)
            except Exception as error:  # whatever it is, it must not end the log
                self._tell_problem(error)
                if not self._may_try_again(pause):
                    return
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
            else:
                self._forget(batch, refused)
                pause = _FIRST_PAUSE_SECONDS

    def _next_batch(self) -> list[PredictionRecord]:
        """The oldest that wait; empty: the log is closed, and all is written."""
        while not self._closing.is_set():
            self._woken.wait()
            if len(self._waiting) < _BATCH:
                self._closing.wait(_GATHER_SECONDS)
            with self._lock:
                if self._waiting or self._closing.is_set():
                    break
                self._woken.clear()
        with self._lock:
            return list(islice(self._waiting, _BATCH))

    def _write(self, batch: Sequence[PredictionRecord]) -> list[str]:
        """Insert all but those no database takes; returns which those are, and why.

        They are found by halving, each half in a transaction of its own.
        """
        try:
            insert_predictions(self._engine, batch, self._policy)
        except Exception as error:
            if not is_about_data(error):
                raise
            if len(batch) == 1:
                reason = type(getattr(error, "orig", None) or error).__name__
                return [f"{batch[0].prediction_id!r:.80} ({reason})"]
            middle = len(batch) // 2
            return self._write(batch[:middle]) + self._write(batch[middle:])
        return []

    def _forget(self, batch: Sequence[PredictionRecord], refused: Sequence[str]) -> None:
        with self._lock:
            for _ in batch:
                self._free += _places_of(self._waiting.popleft())
            self._count(written=len(batch) - len(refused), refused=len(refused))
            state, self._state = self._state, self._state._replace(problem="")
        if refused:
            log.warning("%d predictions set aside, the first: %s", len(refused), refused[0])
        if state.problem:
            log.info("predictions are written again; %d were dropped so far", state.dropped)

    def _tell_problem(self, error: Exception) -> None:
        """Once for each problem, not for each try."""
        problem = str(explain(error, self._engine))
        with self._lock:
            before, self._state = self._state, self._state._replace(problem=problem)
        if before.problem != problem:
            log.warning("predictions wait, the store takes none: %s", problem)

    def _may_try_again(self, pause: float) -> bool:
        """After a pause; a log that closes tries until its time is over."""
        if not self._closing.wait(pause):
            return True
        left = self._end - time.monotonic()
        time.sleep(min(max(left, 0.0), _FIRST_PAUSE_SECONDS))
        return left > 0

    def _count(self, written: int = 0, dropped: int = 0, refused: int = 0) -> None:
        state = self._state
        self._state = state._replace(
            written=state.written + written,
            dropped=state.dropped + dropped,
            refused=state.refused + refused,
        )


def _places_of(record: PredictionRecord) -> int:
    return 1 + len(record.text) // _CHARACTERS_PER_PLACE
