"""The parts of a target: each whole or absent, so that a scoring goes on where it was killed."""

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from serving.batch.job import Job
from serving.batch.scoring import Scorer
from serving.batch.source import Source
from tasks.artifacts import whole_file
from tasks.bundle import load_bundle

log = logging.getLogger(__name__)
_PROGRESS_SECONDS = 2.0


def write_parts(source: Source, target: Path, job: Job, bundle: Path, threads: int) -> list[Path]:
    """Score all that is not there yet; returns all parts in order.

    A part's bytes depend on its rows and the release alone, not on the number of threads.
    """
    parts: list[Path] = []
    with ThreadPoolExecutor(threads) as pool:
        predictor = load_bundle(bundle, None if job.precision == "default" else job.precision)
        scorer = Scorer(predictor, job.version, job.max_characters, pool)
        progress = _Progress(source.num_rows)
        for chunk in source.read():
            part = target / f"part-{len(parts):06}.parquet"
            num_rows = chunk.columns.num_rows
            is_new = not _holds(part, num_rows)
            if is_new:
                _write(part, scorer.score(chunk, progress.num_done + 1))
            parts.append(part)
            progress.advance(num_rows, is_new)
    return parts


def _holds(part: Path, num_rows: int) -> bool:
    try:
        return bool(pq.read_metadata(part).num_rows == num_rows)
    except (pa.ArrowInvalid, OSError):
        return False


def _write(part: Path, table: pa.Table) -> None:
    with whole_file(part) as stream:
        pq.write_table(table, stream, compression="zstd")


class _Progress:
    """A line every few seconds, in the form that a flow's progress bar reads."""

    def __init__(self, total: int) -> None:
        self.num_done = self._num_scored = 0
        self._total = total
        self._started = self._last = time.monotonic()

    def advance(self, num_rows: int, are_new: bool) -> None:
        self.num_done += num_rows
        self._num_scored += num_rows if are_new else 0
        now = time.monotonic()
        if now - self._last < _PROGRESS_SECONDS:
            return
        self._last = now
        total = max(self._total, self.num_done)
        log.info(
            "%s of %s rows (%.0f %%), %.0f/s",
            f"{self.num_done:,}",
            f"{total:,}",
            100 * self.num_done / total,
            self._num_scored / (now - self._started),
        )
