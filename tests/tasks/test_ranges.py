"""Sets of row numbers, compared with Python's own."""

import itertools
import random

import numpy as np

from tasks.ranges import Range, clip, gaps, merge, of_numbers, windows


def numbers(ranges: list[Range]) -> list[int]:
    return [number for low, high in ranges for number in range(low, high + 1)]


def test_ranges_are_the_sets_they_stand_for() -> None:
    for seed in range(300):
        dice = random.Random(seed)
        some = [(low, low + dice.randint(0, 9)) for low in dice.choices(range(1, 90), k=seed % 12)]
        held = set(numbers(some))
        merged = merge(some)
        assert numbers(merged) == sorted(held)
        assert all(before[1] + 1 < after[0] for before, after in itertools.pairwise(merged))
        last, first = dice.randint(0, 120), dice.randint(1, 120)
        assert numbers(gaps(merged, last)) == sorted(set(range(1, last + 1)) - held)
        assert numbers(clip(merged, first, last)) == sorted(held & set(range(first, last + 1)))
        assert of_numbers(np.array(sorted(held), np.int64)) == merged
        width = dice.randint(1, 20)
        cut = list(windows(merged, width))
        assert numbers(cut) == sorted(held)
        assert all(high - low < width for low, high in cut)
