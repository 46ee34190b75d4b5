"""ONNX Runtime alone in a loop, in a process of its own: what no server can beat.

`python -m benchmarks.serving.bare BUNDLE FILE` reads texts from FILE, a JSON list, and prints
texts a second and CPU seconds a text as JSON, by setting.
"""

import json
import queue
import statistics
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import onnxruntime

from tasks.bundle import MODELS, PREPROCESSING, Precision, Preprocessing, read_document
from tasks.text import normalise
from tasks.tokens import Ids, batches_by_length, encode, load_tokenizer, pad

Way = Literal["1 thread", "2 threads", "2 workers"]
WAYS: tuple[Way, ...] = ("1 thread", "2 threads", "2 workers")
BATCH_SIZES = (1, 8, 32)
Batch = tuple[Ids, Ids]
Run = Callable[[Batch], object]


class Setting(NamedTuple):
    precision: Precision
    batch_size: int
    way: Way

    def __str__(self) -> str:
        return f"{self.precision}, batch {self.batch_size}, {self.way}"


def all_settings() -> list[Setting]:
    return [
        Setting(precision, size, way)
        for precision in MODELS for size in BATCH_SIZES for way in WAYS
    ]  # fmt: skip


class Bare:
    """Sessions of a bundle, and the rows they score."""

    def __init__(self, bundle: Path, texts: Sequence[str]) -> None:
        max_tokens = read_document(bundle / PREPROCESSING, Preprocessing).max_tokens
        tokenizer = load_tokenizer(bundle, max_tokens)
        self.rows = encode(tokenizer, [normalise(text) for text in texts])
        self._sessions = {
            (precision, threads): _session(bundle / MODELS[precision], threads)
            for precision in MODELS for threads in (1, 2)
        }  # fmt: skip

    def run_of(self, precision: Precision, threads: int) -> Run:
        session = self._sessions[precision, threads]
        return lambda batch: session.run(["logits"], {"ids": batch[0], "mask": batch[1]})

    def batches(self, batch_size: int) -> list[Batch]:
        """Of like length; the longest come first."""
        found = batches_by_length(self.rows, batch_size)
        return [pad([self.rows[index] for index in batch]) for batch in found]

    def seconds_for_all(self, setting: Setting) -> float:
        run = self.run_of(setting.precision, 2 if setting.way == "2 threads" else 1)
        batches = self.batches(setting.batch_size)
        run(batches[0])
        started = time.perf_counter()
        if setting.way == "2 workers":
            _share(run, batches)
        else:
            for batch in batches:
                run(batch)
        return time.perf_counter() - started

    def median_of_one(self, precision: Precision, threads: int) -> float:
        """Median seconds of a text that has the machine to itself."""
        run = self.run_of(precision, threads)
        seconds = []
        for row in self.rows:
            started = time.perf_counter()
            run(pad([row]))
            seconds.append(time.perf_counter() - started)
        return statistics.median(seconds)


def _share(run: Run, batches: Sequence[Batch]) -> None:
    """Two threads, each of which takes the next batch when it has done one."""
    waiting: queue.SimpleQueue[Batch | None] = queue.SimpleQueue()
    for batch in [*batches, None, None]:
        waiting.put(batch)

    def work() -> None:
        while (batch := waiting.get()) is not None:
            run(batch)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _session(file: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def main(bundle: Path, texts: Path) -> None:
    bare = Bare(bundle, json.loads(texts.read_text(encoding="utf-8")))
    alone = {
        precision: min(bare.median_of_one(precision, threads) for threads in (1, 2))
        for precision in MODELS
    }
    rates, costs = {}, {}
    for setting in all_settings():
        before = time.process_time()
        rates[str(setting)] = len(bare.rows) / bare.seconds_for_all(setting)
        costs[str(setting)] = (time.process_time() - before) / len(bare.rows)
    print(json.dumps({"per_second": rates, "cpu_seconds": costs, "seconds_alone": alone}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
