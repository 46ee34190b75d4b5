"""Texts of all requests in one queue, scored together by threads, those of like length in a batch.

A worker takes what waits, at once: batches grow with the load, and a lone request never waits for
company.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence

import numpy as np

from serving.jobs import GoneError, Job, OverloadedError, Piece, Question
from serving.params import BatchParams
from tasks.predictor import Floats, softmax
from tasks.text import normalise
from tasks.tokens import encode, pad


class Batcher:
    """`workers` threads that score; `num_waiting` counts texts that no worker has taken yet."""

    def __init__(
        self, params: BatchParams, workers: int, observe: Callable[[int], None] = lambda size: None
    ) -> None:
        self._params = params
        self._observe = observe  # is told the size of each batch
        self._lock = threading.Condition()
        self._arrived: deque[Job] = deque()  # not yet tokenised
        self._waiting: deque[Piece] = deque()
        self._turn = 0  # where the queue is: a job that arrives now begins here
        self._num_busy = 0
        self._ended = False
        self.num_waiting = 0
        self._loop = asyncio.get_running_loop()
        self._threads = [
            threading.Thread(target=self._work, name=f"scorer-{number}", daemon=True)
            for number in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    async def score(self, question: Question) -> Floats:
        """Class probabilities, shape (texts, classes); OverloadedError at once, never later.

        Large requests are taken as readily as small ones, so the queue may grow by one of them
        beyond its bound; nobody is shut out by the size of others.
        """
        if self.is_full:
            raise OverloadedError
        with self._lock:
            job = Job(question, self._loop.create_future(), self._turn)
            self.num_waiting += len(job.texts)
            self._arrived.append(job)
            self._lock.notify()
        return await job.done

    @property
    def is_full(self) -> bool:
        return self.num_waiting >= self._params.max_waiting_texts

    def close(self) -> None:
        """After the last job; waits for the threads."""
        with self._lock:
            self._ended = True
            self._lock.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while True:
            with self._lock:
                while not (self._arrived or self._waiting or self._ended):
                    self._lock.wait()
                if self._ended and not (self._arrived or self._waiting):
                    return
                job = self._arrived.popleft() if self._arrived else None
                batch = self._take() if job is None else []
                is_alone = job is None and not (self._num_busy or self._waiting or batch[1:])
                self._num_busy += 1
            try:
                self._prepare(job) if job else self._score(batch, is_alone)
            finally:
                with self._lock:
                    self._num_busy -= 1

    def _prepare(self, job: Job) -> None:
        try:
            if job.is_gone():
                raise GoneError
            rows = encode(job.model.tokenizer, [normalise(text) for text in job.texts])
        except Exception as error:  # the request's, not the service's, end
            with self._lock:
                self.num_waiting -= len(job.texts)
            self._fail({job}, error)
            return
        with self._lock:
            self._waiting.extend(Piece(job, place, ids) for place, ids in enumerate(rows))
            if len(self._waiting) > 1:
                self._lock.notify()

    def _take(self) -> list[Piece]:
        """The piece whose turn it is, and those most like it in length, of the same model.

        A job's texts take turns one after another with those of jobs that come later, so that one
        text does not wait for sixty of somebody else. No more than this worker's share of what
        waits, so that the other workers get theirs.
        """
        first = min(self._waiting, key=lambda piece: piece.job.turn + piece.place)
        self._turn = first.job.turn + first.place
        share = -(-len(self._waiting) // len(self._threads))
        alike = sorted(
            (piece for piece in self._waiting if piece.job.model is first.job.model),
            key=lambda piece: (piece is not first, abs(len(piece.ids) - len(first.ids))),
        )
        batch: list[Piece] = []
        for piece in alike[: min(share, self._params.max_texts)]:
            if batch and not self._fits([len(other.ids) for other in (*batch, piece)]):
                break
            batch.append(piece)
        taken = set(map(id, batch))
        self._waiting = deque(piece for piece in self._waiting if id(piece) not in taken)
        self.num_waiting -= len(batch)
        return batch

    def _fits(self, lengths: Sequence[int]) -> bool:
        """Whether a batch of these lengths is neither too large nor mostly padding."""
        num_tokens = max(1, *lengths) * len(lengths)
        padding_share = 1 - sum(lengths) / num_tokens
        return (
            num_tokens <= self._params.max_tokens
            and padding_share <= self._params.max_padding_share
        )

    def _score(self, batch: Sequence[Piece], is_alone: bool) -> None:
        model = batch[0].job.model
        score = model.wide if is_alone else model.narrow
        try:
            logits = score(*pad([piece.ids for piece in batch]))
            for piece, row in zip(batch, logits, strict=True):
                piece.job.logits[piece.place] = row
        except Exception as error:
            self._fail({piece.job for piece in batch}, error)
            return
        self._observe(len(batch))
        finished = []
        with self._lock:
            for piece in batch:
                piece.job.num_left -= 1
                if piece.job.num_left == 0:
                    finished.append(piece.job)
        if finished:
            self._loop.call_soon_threadsafe(_finish, finished)

    def _fail(self, jobs: set[Job], error: Exception) -> None:
        with self._lock:
            before = len(self._waiting)
            self._waiting = deque(piece for piece in self._waiting if piece.job not in jobs)
            self.num_waiting -= before - len(self._waiting)
        for job in jobs:
            job.error = error
        self._loop.call_soon_threadsafe(_finish, list(jobs))


def _finish(jobs: Sequence[Job]) -> None:
    """In the event loop."""
    for job in jobs:
        if job.done.done():  # cancelled, or another part of it has failed
            continue
        if job.error is None and not np.isfinite(job.logits).all():
            job.error = ArithmeticError("the model answered with something that is no number")
        if job.error:
            job.done.set_exception(job.error)
        else:
            job.done.set_result(softmax(job.logits))
