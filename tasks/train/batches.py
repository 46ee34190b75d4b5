"""Which rows make a batch, and which of them each process takes; the batches stay the same."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tasks.train.params import RunParams


class Portion(NamedTuple):
    """What one process learns from in one forward pass: its part of a batch."""

    rows: list[int]  # row numbers; none where a batch has fewer rows than there are portions
    num_whole: int  # rows of the whole batch


class Seat(NamedTuple):
    """Which process of how many this is, and in how many parts it takes its share of a batch."""

    rank: int = 0
    num_processes: int = 1
    num_parts: int = 1


def portions_of(batch: list[int], seat: Seat) -> Iterator[Portion]:
    """This process's parts of a batch. Rows are dealt out like cards, so that parts of a batch
    sorted by length are of like length, too; together the processes have every row once."""
    hands = seat.num_processes * seat.num_parts
    for part in range(seat.num_parts):
        yield Portion(batch[part * seat.num_processes + seat.rank :: hands], len(batch))


class LengthBuckets:
    """Batches of like length in an order that seed and epoch alone decide.

    Each epoch is shuffled, cut into pools of `pool_batches` batches, sorted by length within a
    pool, and the batches are shuffled again: little padding, and still a random order. It knows
    how far it has come, so that a resumed run goes on with the portion the stopped one was due.
    The batches are the same however many processes share them.
    """

    def __init__(
        self, lengths: npt.NDArray[np.int64], batch_size: int, run: RunParams, seat: Seat
    ) -> None:
        self.lengths, self.batch_size, self.run, self.seat = lengths, batch_size, run, seat
        self.epoch = 0
        self.num_yielded = 0  # portions of this epoch

    def __len__(self) -> int:
        return math.ceil(len(self.lengths) / self.batch_size) * self.seat.num_parts

    def __iter__(self) -> Iterator[list[Portion]]:
        portions = [one for batch in self.batches() for one in portions_of(batch, self.seat)]
        for portion in portions[self.num_yielded :]:
            self.num_yielded += 1
            if self.num_yielded == len(self):
                self.epoch, self.num_yielded = self.epoch + 1, 0
            yield [portion]

    def batches(self) -> list[list[int]]:
        """All batches of the current epoch, as lists of row numbers."""
        random = np.random.default_rng([self.run.seed, self.epoch])
        order = random.permutation(len(self.lengths))
        batches: list[list[int]] = []
        pool_size = self.batch_size * self.run.pool_batches
        for start in range(0, len(order), pool_size):
            pool = order[start : start + pool_size]
            pool = pool[np.argsort(self.lengths[pool], kind="stable")]
            batches += [
                pool[first : first + self.batch_size].tolist()
                for first in range(0, len(pool), self.batch_size)
            ]
        return [batches[index] for index in random.permutation(len(batches))]
