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
        progress = _Progress(source.num_rows)
        scorer = Scorer(predictor, job.version, job.max_characters, pool, progress.scored)
        num_rows = 0
        for chunk in source.read():
            part = target / f"part-{len(parts):06}.parquet"
            if not _holds(part, chunk.columns.num_rows):
                _write(part, scorer.score(chunk, num_rows + 1), source)
            parts.append(part)
            num_rows += chunk.columns.num_rows
            progress.reach(num_rows)
    return parts


def _holds(part: Path, num_rows: int) -> bool:
    try:
        return bool(pq.read_metadata(part).num_rows == num_rows)
    except (pa.ArrowInvalid, OSError):
        return False


def _write(part: Path, table: pa.Table, source: Source) -> None:
    """A part in place is of the source that the job names: it may stay when the scoring fails."""
    with whole_file(part) as stream:
        pq.write_table(table, stream, compression="zstd")
        source.check_unchanged()


class _Progress:
    """A line every few seconds, in the form that a flow's progress bar reads."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._num_done = self._num_scored = 0
        self._started = self._last = time.monotonic()

    def scored(self, num_texts: int) -> None:
        """So many more; parts that are there already do not count for the speed."""
        self._num_scored += num_texts
        self.reach(self._num_done + num_texts)

    def reach(self, num_rows: int) -> None:
        """So many in all, those without a text included."""
        self._num_done = num_rows
        now = time.monotonic()
        if now - self._last < _PROGRESS_SECONDS:
            return
        self._last = now
        total = max(self._total, num_rows)
        log.info(
            "%s of %s rows (%.0f %%), %.0f/s",
            f"{num_rows:,}",
            f"{total:,}",
            100 * num_rows / total,
            self._num_scored / (now - self._started),
        )
