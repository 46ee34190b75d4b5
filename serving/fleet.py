"""Which release answers: follows the pointer, swaps in process, keeps what works."""

import hashlib
import logging
import threading
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from serving.model import Model, load_model
from serving.params import ModelParams
from tasks.errors import FlywheelError
from tasks.releases import NOTHING, Place, Pointer, Target, read_pointer

Role = Literal["live", "canary", "shadow"]
log = logging.getLogger(__name__)
_HASH_RANGE = 2**64


class Lineup(NamedTuple):
    """All that answers at one moment; replaced as a whole, so no request sees half a change."""

    live: Model | None = None
    canary: Model | None = None
    shadow: Model | None = None


class Fleet:
    """The models in memory; `lineup` is read without a lock, `refresh` called by one at a time."""

    def __init__(
        self, place: Place, params: ModelParams, changed: Callable[[], None] = lambda: None
    ) -> None:
        self._place = place
        self._params = params
        self._changed = changed  # is told, in the refreshing thread, after each swap
        self._lock = threading.Lock()
        self._seen: tuple[int, int] | None = None
        self._ended = threading.Event()
        self._pointer = NOTHING
        self._rested: Model | None = None  # was live last: a rollback finds it loaded
        self.lineup = Lineup()
        self.problem: str | None = None

    def refresh(self) -> str | None:
        """Load what the pointer names now; returns what was wrong with it, in one line, or None.

        A release that does not load is not served: what answered before goes on answering.
        """
        with self._lock:
            self._seen = self._stamp()
            try:
                pointer = read_pointer(self._place)
                lineup = Lineup(*(self._find(target) for target in _targets(pointer)))
                self.problem = None
            except FlywheelError as error:
                self.problem = str(error)
                log.error("kept what answered before: %s", error)
                if self.lineup.live is None:
                    self._serve_previous()
                return self.problem
            self._swap(lineup)
            self._pointer = pointer
            return None

    def watch(self) -> None:
        """Follow the pointer until `close`; in a thread of its own."""
        while not self._ended.wait(self._params.poll_seconds):
            if self._stamp() != self._seen:
                self.refresh()

    def close(self) -> None:
        self._ended.set()

    def choose(self, texts: Sequence[str]) -> tuple[Model | None, Role]:
        """The model for a request: the same texts always meet the same one of live and canary."""
        lineup = self.lineup
        if lineup.canary and is_in_share(texts, self._params.canary_share):
            return lineup.canary, "canary"
        return lineup.live, "live"

    def _stamp(self) -> tuple[int, int] | None:
        try:
            status = self._place.pointer.stat()
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns

    def _find(self, target: Target | None) -> Model | None:
        if target is None:
            return None
        for model in (*self.lineup, self._rested):
            if model and model.target == target:
                return model
        log.info("loading %s", target.version)
        return load_model(self._place, target, self._params)

    def _swap(self, lineup: Lineup) -> None:
        before = self.lineup.live
        if before and before is not lineup.live:
            self._rested = before
        self.lineup = lineup
        name = lineup.live.target.version if lineup.live else "nothing"
        log.info("live: %s", name)
        self._changed()

    def _serve_previous(self) -> None:
        """At the start, when what is live does not load: what was live before, if that does."""
        try:
            previous = read_pointer(self._place).previous
            model = self._find(previous)
        except FlywheelError as error:
            log.error("nor does the one before: %s", error)
            return
        if model:
            log.error("serving %s, which was live before", model.target.version)
            self._swap(Lineup(live=model))


def is_in_share(texts: Sequence[str], share: float) -> bool:
    """Stable for the same texts, on every machine; a larger share includes a smaller one."""
    digest = hashlib.blake2b("\0".join(texts).encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest(), "big") < share * _HASH_RANGE


def _targets(pointer: Pointer) -> tuple[Target | None, Target | None, Target | None]:
    return pointer.live, pointer.canary, pointer.shadow
