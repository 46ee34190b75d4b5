"""Where the time goes: the real service with a watch on its parts.

`python -m benchmarks.serving.anatomy FILE PORT` serves in the working folder as `python -m serving`
does, but with watches around some functions, and writes what they saw to FILE whenever it gets
SIGUSR1 (and starts them anew). A watch costs about a microsecond.
"""

import asyncio
import functools
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvloop

from serving import app, batcher, fleet, service, worker
from serving.model import Model
from serving.store import prediction_log

PARSING, TOKENISING, SCORING = "parsing the body", "tokenising", "scoring"
PADDING = "padding"
ANSWERING, LOGGING, WAITING = "making the answer", "logging", "waiting for a batch"


class Watches:
    """CPU seconds of the calling thread, wall seconds, texts; by part."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.seen: dict[str, list[float]] = {}

    def note(self, part: str, cpu: float, wall: float, num_texts: int) -> None:
        with self._lock:
            sums = self.seen.setdefault(part, [0.0, 0.0, 0])
            sums[0] += cpu
            sums[1] += wall
            sums[2] += num_texts

    def around(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def watched(*arguments: Any, **named: Any) -> Any:
            cpu, wall = time.thread_time(), time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                self.note(part, time.thread_time() - cpu, time.perf_counter() - wall, 1)

        return watched

    def around_score(self, score: Callable[..., Any]) -> Callable[..., Any]:
        """Each text of a batch waits for the whole of it."""

        def watched(ids: Any, mask: Any) -> Any:
            cpu, wall = time.thread_time(), time.perf_counter()
            found = score(ids, mask)
            num_texts = len(ids)
            seconds = time.perf_counter() - wall
            self.note(SCORING, time.thread_time() - cpu, seconds * num_texts, num_texts)
            return found

        return watched

    def write(self, file: Path) -> None:
        with self._lock:
            seen, self.seen = self.seen, {}
        process = time.process_time()
        new = file.with_suffix(".new")
        new.write_text(json.dumps({"parts": seen, "cpu_seconds": process}))
        new.rename(file)


def watch_parts(watches: Watches) -> None:
    """Put the watches where the service looks its functions up."""
    changes: list[tuple[Any, str, str]] = [
        (app, "parse", PARSING), (app, "answer", ANSWERING),
        (batcher, "normalise", TOKENISING), (batcher, "encode", TOKENISING),
        (batcher, "pad", PADDING),
        (service, "_records", ANSWERING), (service, "_answer", ANSWERING),
        (prediction_log.PredictionLog, "put", LOGGING),
        (prediction_log, "insert_predictions", LOGGING),
    ]  # fmt: skip
    for owner, name, part in changes:
        setattr(owner, name, watches.around(part, getattr(owner, name)))
    load_model, score = fleet.load_model, batcher.Batcher.score

    def load_watched(*arguments: Any) -> Model:
        model = load_model(*arguments)
        narrow, wide = watches.around_score(model.narrow), watches.around_score(model.wide)
        return model._replace(narrow=narrow, wide=wide)

    async def score_watched(*arguments: Any) -> Any:
        started = time.perf_counter()
        found = await score(*arguments)
        watches.note(WAITING, 0.0, time.perf_counter() - started, 1)
        return found

    fleet.load_model = load_watched  # type: ignore[assignment]
    batcher.Batcher.score = score_watched  # type: ignore[method-assign]


async def serve(file: Path, port: int, watches: Watches) -> None:
    listeners = [socket.create_server(("127.0.0.1", number)) for number in (port, 0)]
    _, ready = os.pipe()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, watches.write, file)
    await worker.serve(worker.Given(*listeners, ready, replaces=False, need_keys=False))


def main(arguments: list[str]) -> None:
    watches = Watches()
    watch_parts(watches)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    sys.setswitchinterval(worker._SWITCH_SECONDS)
    uvloop.run(serve(Path(arguments[0]), int(arguments[1]), watches))


if __name__ == "__main__":
    main(sys.argv[1:])
