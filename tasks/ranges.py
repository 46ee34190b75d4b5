"""Sets of row numbers as ranges, both ends included, in order and apart from one another."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

Range = tuple[int, int]


def merge(ranges: Iterable[Range]) -> list[Range]:
    """The union of any ranges; those that touch become one."""
    merged: list[Range] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = merged[-1][0], max(high, merged[-1][1])
        else:
            merged.append((low, high))
    return merged


def gaps(covered: Sequence[Range], last: int) -> list[Range]:
    """What of 1 to `last` the ranges leave out."""
    starts = [1, *(high + 1 for _, high in covered)]
    ends = [*(low - 1 for low, _ in covered), last]
    pairs = ((low, min(high, last)) for low, high in zip(starts, ends, strict=True))
    return [(low, high) for low, high in pairs if low <= high]


def clip(ranges: Iterable[Range], first: int, last: int) -> list[Range]:
    """What of the ranges lies from `first` to `last`."""
    cut = ((max(low, first), min(high, last)) for low, high in ranges)
    return [(low, high) for low, high in cut if low <= high]


def windows(ranges: Iterable[Range], width: int) -> Iterator[Range]:
    """The same rows, in ranges of at most `width`."""
    for low, high in ranges:
        for start in range(low, high + 1, width):
            yield start, min(start + width - 1, high)


def of_numbers(numbers: npt.NDArray[np.int64]) -> list[Range]:
    """Exactly these numbers, which are in ascending order."""
    if not len(numbers):
        return []
    breaks = np.flatnonzero(np.diff(numbers) > 1)
    starts = numbers[np.concatenate([[0], breaks + 1])]
    ends = numbers[np.concatenate([breaks, [len(numbers) - 1]])]
    return list(zip(starts.tolist(), ends.tolist(), strict=True))
