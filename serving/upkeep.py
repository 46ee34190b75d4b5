"""What the store wants while the service runs: tables, a look at the keys, old rows deleted."""

import datetime
import logging
import threading
import time

from sqlalchemy import Engine

from serving.auth import Keyring
from serving.store.retention import delete_old
from serving.store.schema import upgrade
from tasks.errors import TemporaryError

_LOOK_SECONDS = 1.0
_DELETE_SECONDS = 60.0  # between two looks for old predictions, unless there are more of them
log = logging.getLogger(__name__)


class Upkeep:
    """Each look does a little; whatever goes wrong, the next look comes."""

    def __init__(self, engine: Engine, keyring: Keyring, keep_days: float) -> None:
        self._engine = engine
        self._keyring = keyring
        self._keep_days = keep_days
        self._is_upgraded = False
        self._delete_at = 0.0

    def run(self) -> None:
        """For a thread of its own, which ends with its process."""
        pause = threading.Event()
        while not pause.wait(_LOOK_SECONDS):
            try:
                self._look()
            except TemporaryError as error:
                log.debug("store: %s", error)  # the prediction log has said it
            except Exception:  # whatever it is, keys that are revoked later must still be seen
                log.exception("the store's tables, keys or old predictions could not be seen to")

    def _look(self) -> None:
        if not self._is_upgraded:
            upgrade(self._engine)
            self._is_upgraded = True
        self._keyring.refresh()
        if self._keep_days and time.monotonic() >= self._delete_at:
            before = datetime.datetime.now(datetime.UTC) - datetime.timedelta(self._keep_days)
            num_deleted = delete_old(self._engine, before)
            self._delete_at = time.monotonic() + (0.0 if num_deleted else _DELETE_SECONDS)
            if num_deleted:
                log.info("%d predictions of before %s deleted", num_deleted, before.isoformat())
