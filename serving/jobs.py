"""What waits in the queue: a request's question, its texts, and who has left meanwhile."""

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from serving.model import Model
from tasks.predictor import Floats


class OverloadedError(Exception):
    """More texts wait than may."""


class GoneError(Exception):
    """Who asked does not wait for the answer any more."""


class Question(NamedTuple):
    """What a request asks."""

    model: Model
    texts: Sequence[str]
    is_gone: Callable[[], bool] = lambda: False  # whether its client has left


class Job:
    """The texts of one request, all scored by one model."""

    def __init__(self, question: Question, done: "asyncio.Future[Floats]", turn: int) -> None:
        self.model = model = question.model
        self.texts = texts = question.texts
        self.is_gone = question.is_gone
        self.done = done
        self.turn = turn  # of its first text; the others follow
        self.logits = np.zeros((len(texts), len(model.label_set.classes)))
        self.num_left = len(texts)
        self.error: Exception | None = None


class Piece(NamedTuple):
    """A text of a job, as token ids."""

    job: Job
    place: int  # of the text in its job
    ids: list[int]
