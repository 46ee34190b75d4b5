"""The order of ids is that of their texts, however many of them begin alike."""

import random
import time
import uuid
from collections.abc import Callable, Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.partitions.order import order_of

BEGINNINGS = st.sampled_from(
    ["0197a2c4", "0197a2c4-", "0197a2c5", "\x00" * 8, "\u00e4\u4e2d\u4e2d"]
)
ALIKE = st.lists(st.tuples(BEGINNINGS, st.text(max_size=12)).map("".join), unique=True)


def make_ids(num_ids: int) -> list[str]:
    dice = random.Random(0)
    return [str(uuid.UUID(int=dice.getrandbits(128), version=4)) for _ in range(num_ids)]


def sort(texts: list[str]) -> list[str]:
    return [texts[row] for row in order_of(pa.array(texts, pa.string()))]


@settings(deadline=None, derandomize=True)
@given(ALIKE | st.lists(st.text(max_size=12), unique=True))
def test_any_texts_are_put_in_the_order_of_their_bytes(texts: list[str]) -> None:
    assert sort(texts) == sorted(texts, key=str.encode)


@pytest.mark.parametrize("num_alike", [0, 4, 8, 18])
def test_ids_that_begin_alike_are_told_apart_by_their_ends(num_alike: int) -> None:
    """All at random; then some; then whole beginnings, as of UUIDs that are made by the clock."""
    ids = ["f" * num_alike + one[num_alike:] for one in make_ids(5000)]
    assert sort(ids) == sorted(ids)


def test_ids_of_which_few_begin_alike_are_told_apart_among_all_others() -> None:
    ids = make_ids(2000)
    ids += [one[:20] + other[20:] for one, other in zip(ids[:50], reversed(ids), strict=False)]
    random.Random(1).shuffle(ids)
    assert sort(ids) == sorted(ids)


def test_a_part_of_a_column_is_ordered_by_itself() -> None:
    ids = make_ids(100)
    part = pa.array(ids, pa.string()).slice(30, 40)
    assert part.take(pa.array(order_of(part))).to_pylist() == sorted(ids[30:70])


def test_random_ids_take_less_than_half_of_the_time_that_comparing_texts_does() -> None:
    """It is a tenth; on the processor, since others may use it too."""
    ids = pa.array(make_ids(50_000))
    assert min(measure(order_of, ids)) < min(measure(pc.sort_indices, ids)) / 2


def measure(order: Callable[[pa.Array], object], ids: pa.Array) -> Iterator[float]:
    for _ in range(5):
        start = time.thread_time()
        order(ids)
        yield time.thread_time() - start
