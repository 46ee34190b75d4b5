"""Texts in, class probabilities out: one preprocessing for every runtime that scores a model."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from tasks import progress
from tasks.label_set import LabelSet
from tasks.text import normalise
from tasks.tokens import Ids, batches_by_length, encode, pad

Floats = npt.NDArray[np.float64]
Score = Callable[[Ids, Ids], npt.NDArray[np.float32]]
_TEXTS_PER_STEP = 128  # between two lines of progress


class Predictor(NamedTuple):
    """A tokenizer, a label set, and a runtime that turns ids and mask into logits."""

    label_set: LabelSet
    tokenizer: Tokenizer
    score: Score  # (ids, mask), both (rows, tokens) -> logits (rows, classes)

    def logits(self, texts: Sequence[str], batch_size: int = 64) -> Floats:
        """Logits, shape (texts, classes), in the order of the texts."""
        rows = encode(self.tokenizer, [normalise(text) for text in texts])
        logits = np.zeros((len(rows), len(self.label_set.classes)))
        for batch in batches_by_length(rows, batch_size):
            logits[batch] = self.score(*pad([rows[index] for index in batch]))
        return logits

    def probs(self, texts: Sequence[str], batch_size: int = 64) -> Floats:
        """Class probabilities, shape (texts, classes), rows summing to 1."""
        return softmax(self.logits(texts, batch_size))


def score_texts(predictor: Predictor, texts: Sequence[str], num_threads: int) -> Floats:
    """Class probabilities, shape (texts, classes), as a service answers them, with progress."""
    if not texts:
        return np.zeros((0, len(predictor.label_set.classes)))
    steps = [
        texts[start : start + _TEXTS_PER_STEP] for start in range(0, len(texts), _TEXTS_PER_STEP)
    ]
    with ThreadPoolExecutor(num_threads) as pool:
        done = pool.map(predictor.probs, steps)
        unit = f"steps of {_TEXTS_PER_STEP} texts"
        return np.concatenate(list(progress.track(done, len(steps), unit)))


def softmax(logits: Floats) -> Floats:
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    probs: Floats = shifted / shifted.sum(axis=1, keepdims=True)
    return probs
