"""Signals of the process that holds the ports, as something it can wait for beside files."""

import contextlib
import os
import select
import signal

ENDING = frozenset({signal.SIGTERM, signal.SIGINT})


class Signals:
    """Each kind counts once, however often it comes before somebody looks."""

    def __init__(self) -> None:
        self._pending: set[int] = set()
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._reading, False)
        os.set_blocking(self._writing, False)
        for kind in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(kind, self._note)

    def wait(self, seconds: float | None, beside: int | None = None) -> bool:
        """Until a signal, the end of the time, or something to read in `beside`; True: that.

        Without `beside`, a signal that came before and was not yet taken counts, too.
        """
        if beside is None and self._pending:
            return False
        files = [self._reading, *([] if beside is None else [beside])]
        readable, _, _ = select.select(files, [], [], seconds)
        if self._reading in readable:
            os.read(self._reading, 4096)
        return beside in readable

    def take(self) -> set[int]:
        """The kinds that have come since."""
        taken, self._pending = self._pending, set()
        return taken

    def is_ending(self) -> bool:
        return bool(self._pending & ENDING)

    def _note(self, kind: int, frame: object) -> None:
        self._pending.add(kind)
        with contextlib.suppress(BlockingIOError):  # then there is enough to wake up for
            os.write(self._writing, b"!")
