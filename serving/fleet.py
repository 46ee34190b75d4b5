"""Which release answers: follows the pointer, swaps in process, keeps what works."""

import ctypes
import hashlib
import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from serving.model import Model, load_model
from serving.params import ModelParams
from tasks.errors import FlywheelError, InputError
from tasks.releases import NOTHING, Place, Pointer, Target, read_pointer

Role = Literal["live", "canary", "shadow"]
log = logging.getLogger(__name__)
_HASH_RANGE = 2**64
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 1.0, 60.0  # before what failed is tried again


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
        self._pause = _FIRST_PAUSE_SECONDS
        self._try_again_at = 0.0
        self._ended = threading.Event()
        self._until = math.inf  # seconds since 1970
        self._rested: Model | None = None  # was live last: a rollback finds it loaded
        self.lineup = Lineup()
        self.problem: str | None = None

    def refresh(self) -> str | None:
        """Load what the pointer names now; returns what was wrong with it, in one line, or None.

        A release that does not load is not served: what answered before goes on answering.
        """
        with self._lock:
            self._seen = self._stamp()
            before, self.problem = self.problem, None
            pointer = self._read()
            if pointer is not None:
                self._serve(pointer)
            if self.problem and self.problem != before:
                log.error("%s", self.problem)
            self._plan_retry()
            return self.problem

    def watch(self) -> None:
        """Follow the pointer until `close`; in a thread of its own. What failed is tried again."""
        while not self._ended.wait(self._params.poll_seconds):
            is_due = self.problem is not None and time.monotonic() > self._try_again_at
            if is_due or self._stamp() != self._seen:
                self.refresh()

    def close(self) -> None:
        self._ended.set()

    def choose(self, texts: Sequence[str]) -> tuple[Model | None, Role]:
        """The model for a request: the same texts always meet the same one of live and canary."""
        lineup = self.lineup
        is_for_canary = lineup.canary and is_in_share(texts, self._params.canary_share)
        if is_for_canary and self.is_rehearsing():
            return lineup.canary, "canary"
        return lineup.live, "live"

    def is_rehearsing(self) -> bool:
        """Canary and shadow have a time, so that one whose promotion was killed does not stay."""
        return time.time() < self._until

    def _stamp(self) -> tuple[int, int] | None:
        try:
            status = self._place.pointer.stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns

    def _plan_retry(self) -> None:
        """A descriptor or a byte of memory may be there again later; a bad file costs little."""
        self._try_again_at = time.monotonic() + self._pause
        longer = min(2 * self._pause, _LONGEST_PAUSE_SECONDS)
        self._pause = longer if self.problem else _FIRST_PAUSE_SECONDS

    def _read(self) -> Pointer | None:
        try:
            pointer = read_pointer(self._place)
            if pointer is NOTHING and self.lineup.live:
                raise InputError(
                    f"{self._place.pointer} is missing; what answers goes on. Name what is to be "
                    "live: python -m tasks.release rollback --to VERSION --why ..."
                )
            return pointer
        except Exception as error:
            self._note(error)
            return None if self.lineup.live else NOTHING

    def _serve(self, pointer: Pointer) -> None:
        """Each role by itself: a damaged canary takes nothing from what is live."""
        self._until = pointer.until.timestamp() if pointer.until else math.inf
        live, canary, shadow = map(self._find, (pointer.live, pointer.canary, pointer.shadow))
        if live is None and pointer.live is not None:
            # at the start what was live before steps in; later, what answers goes on
            live = self.lineup.live or self._find(pointer.previous)
            if live:
                log.error("%s answers in place of %s", live.target.version, pointer.live.version)
        lineup = Lineup(live, canary, shadow)
        if any(new is not old for new, old in zip(lineup, self.lineup, strict=True)):
            self._swap(lineup)

    def _find(self, target: Target | None) -> Model | None:
        """In memory, or loaded now; None, and a problem noted, when that fails in whatever way."""
        if target is None:
            return None
        for model in (*self.lineup, self._rested):
            if model and model.target == target:
                return model
        log.info("loading %s", target.version)
        try:
            return load_model(self._place, target, self._params)
        except Exception as error:  # of the runtime and the tokenizer, too, which have their own
            self._note(error, target.version)
            return None

    def _note(self, error: Exception, version: str = "pointer") -> None:
        kind = "" if isinstance(error, FlywheelError) else f"{type(error).__name__}: "
        problem = f"{version} is not served: {kind}{' '.join(str(error).split())[:500]}"
        self.problem = f"{self.problem}; {problem}" if self.problem else problem

    def _swap(self, lineup: Lineup) -> None:
        before = self.lineup.live
        if before and before is not lineup.live:
            self._rested = before
        self.lineup = lineup
        if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):  # of the GNU C library alone
            trim(0)  # what loading took for a while: kept, it adds up from swap to swap
        log.info("live: %s", lineup.live.target.version if lineup.live else "nothing")
        self._changed()


def is_in_share(texts: Sequence[str], share: float) -> bool:
    """Stable for the same texts, on every machine; a larger share includes a smaller one."""
    digest = hashlib.blake2b("\0".join(texts).encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest(), "big") < share * _HASH_RANGE
