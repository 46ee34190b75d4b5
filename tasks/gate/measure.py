"""Load and score the bundles now: nothing the gate says of a model is a stored number."""

import errno
import logging
import os
import re
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tasks.bundle import (
    MANIFEST,
    MODELS,
    Manifest,
    check_golden,
    load_bundle,
    read_document,
    verify_bundle,
)
from tasks.errors import FlywheelError, InputError, ParamsError
from tasks.evaluate.behaviour import run_checks
from tasks.evaluate.examples import Examples, Floats
from tasks.evaluate.params import Check, SplitTexts
from tasks.evaluate.perturb import pick_texts
from tasks.gate.evidence import Broken, Measured, Rows
from tasks.predictor import Predictor, score_texts

_BYTES_PER_MB = 1e6
_MS_PER_SECOND = 1e3
_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR)
# as ONNX Runtime and tokenizers say it, which raise neither MemoryError nor OSError
_OF_MACHINE = re.compile(
    r"bad_alloc|bad allocation|Failed to allocate|(?:system error number|os error) (\d+)"
)
log = logging.getLogger(__name__)


class Contestant(NamedTuple):
    """A bundle that loads and repeats its golden answers, in the precision it is served in."""

    manifest: Manifest
    predictor: Predictor
    megabytes: float


class UnreadableAnswer(FlywheelError):
    """A model answered something that is not a number."""


def load(folder: Path) -> Contestant | Broken:
    """Broken with the reason, whatever is wrong with the files: a bundle is somebody's input.

    MemoryError or OSError for what is wrong with the machine instead.
    """
    try:
        manifest = verify_bundle(folder)
        predictor = load_bundle(folder)
        size = (folder / MODELS[manifest.default]).stat().st_size
    except Exception as error:  # of onnxruntime and tokenizers, which have no common base
        pass_on(error)
        return Broken("loads", one_line(error), read_manifest(folder))
    try:
        check_golden(folder, predictor, manifest.default)
    except Exception as error:  # a graph that loads but does not run, or runs to another answer
        pass_on(error)
        return Broken("golden", one_line(error), manifest)
    return Contestant(manifest, predictor, size / _BYTES_PER_MB)


def measure(
    contestant: Contestant, rows: Rows, checks: Sequence[Check], num_threads: int
) -> Measured | Broken:
    """All but the latency, which wants both models side by side."""
    scorer = Scorer(contestant.predictor, num_threads or len(os.sched_getaffinity(0)))
    label_set = contestant.predictor.label_set
    try:
        probs = scorer(rows.test.texts)
        holdout = None if rows.holdout is None else scorer(rows.holdout.texts)
        outcomes = run_checks(checks, rows.test, label_set, scorer)
    except ParamsError:
        raise
    except Exception as error:  # as above: a text can lead a broken graph astray
        pass_on(error)
        return Broken("answers", one_line(error), contestant.manifest)
    return Measured(
        manifest=contestant.manifest,
        label_set=label_set,
        probs=probs,
        holdout_probs=holdout,
        pass_rates={outcome.check.name: outcome.pass_rate for outcome in outcomes},
        milliseconds=float("nan"),
        megabytes=contestant.megabytes,
    )


class Scorer:
    """Scores each text once, however many conditions ask for it."""

    def __init__(self, predictor: Predictor, num_threads: int) -> None:
        self._predictor, self._num_threads = predictor, num_threads
        self._known: dict[str, Floats] = {}

    def __call__(self, texts: Sequence[str]) -> Floats:
        """Probabilities, shape (texts, classes); UnreadableAnswer names the first that are none."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        probs = score_texts(self._predictor, new, self._num_threads)
        if len(strange := np.flatnonzero(~np.isfinite(probs).all(axis=1))):
            raise UnreadableAnswer(
                f"the answers to {len(strange):,} of {len(new):,} texts are not numbers, first to "
                f"{new[strange[0]][:80]!r}"
            )
        self._known |= zip(new, probs, strict=True)
        if not len(texts):
            return probs
        return np.stack([self._known[text] for text in texts])


def time_side_by_side(predictors: Sequence[Predictor], texts: Sequence[str]) -> list[float]:
    """Each one's median milliseconds for one text.

    They take turns at every text, and at who is first, so that a busy moment hits all alike.
    """
    taken: list[list[float]] = [[] for _ in predictors]
    order = list(zip(predictors, taken, strict=True))
    for predictor in predictors:
        predictor.probs(texts[:2])  # the first call sets up its memory
    for text in texts:
        for predictor, seconds in order:
            started = time.perf_counter()
            predictor.probs([text])
            seconds.append(time.perf_counter() - started)
        order.reverse()
    return [_MS_PER_SECOND * statistics.median(seconds) for seconds in taken]


def pick_timed(test: Examples, num_texts: int) -> list[str]:
    return pick_texts(SplitTexts(taken_from="test_split", max_texts=num_texts), test)


def read_manifest(folder: Path) -> Manifest | None:
    try:
        return read_document(folder / MANIFEST, Manifest)
    except InputError:
        return None


def pass_on(error: Exception) -> None:
    """Raise what is wrong with the machine (no memory, a failing disk, no right to read, too many
    open files): it says nothing of the bundle, and the next try may find it well."""
    if isinstance(error, FlywheelError):
        return
    if isinstance(error, MemoryError | OSError) and getattr(error, "errno", 0) not in _ABSENT:
        raise error
    if (found := _OF_MACHINE.search(str(error))) and int(found[1] or 0) not in _ABSENT:
        raise OSError(one_line(error)) from None


def one_line(error: Exception) -> str:
    """An error of our own speaks for itself; another's needs its name."""
    text = " ".join(str(error).split())
    return text if isinstance(error, FlywheelError) else f"{type(error).__name__}: {text}"
