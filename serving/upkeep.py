"""What the store wants while the service runs: tables, a look at the keys, old rows deleted."""

import datetime
import logging
import threading
import time
from collections.abc import Callable

from sqlalchemy import Engine

from serving.auth import Keyring
from serving.store.engine import Identity, identity_of
from serving.store.problems import name_of
from serving.store.retention import delete_old
from serving.store.schema import upgrade
from tasks.errors import FlywheelError

_LOOK_SECONDS = 1.0
_DELETE_SECONDS = 60.0  # between two looks for old predictions, unless there are more of them
log = logging.getLogger(__name__)


class Upkeep:
    """Two threads: no lock on the predictions keeps anybody from seeing that a key is revoked."""

    def __init__(self, engine: Engine, keyring: Keyring, keep_days: float) -> None:
        self._engine = engine
        self._keyring = keyring
        self._keep_days = keep_days
        self._is_upgraded = False
        self._file: Identity | None = None  # as upgraded
        self._delete_at = 0.0
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._repeat, args=(look,), daemon=True)
            for look in (self._look, self._delete)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Returns when the looks that are under way have ended."""
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _look(self) -> None:
        found = identity_of(self._engine)
        if self._is_upgraded and found != self._file:
            name = name_of(self._engine.url)
            log.warning("%s: another file lies there, or none: it is read and written now", name)
            self._is_upgraded = False
        if not self._is_upgraded:
            upgrade(self._engine)
            self._file = found or identity_of(self._engine)
            self._is_upgraded = True
        self._keyring.refresh()

    def _delete(self) -> None:
        if self._keep_days and time.monotonic() >= self._delete_at:
            before = datetime.datetime.now(datetime.UTC) - datetime.timedelta(self._keep_days)
            num_deleted = delete_old(self._engine, before)
            self._delete_at = time.monotonic() + (0.0 if num_deleted else _DELETE_SECONDS)
            if num_deleted:
                log.info("%d predictions of before %s deleted", num_deleted, before.isoformat())

    def _repeat(self, look: Callable[[], None]) -> None:
        """Whatever goes wrong, the next look comes; a problem that lasts is said once."""
        problem = ""
        while not self._ended.wait(_LOOK_SECONDS):
            before, problem = problem, ""
            try:
                look()
            except Exception as error:
                problem = f"{type(error).__name__}: {error}"
                if problem != before:
                    known = isinstance(error, FlywheelError)
                    log.warning("store: %s", error if known else problem, exc_info=not known)
