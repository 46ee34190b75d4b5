"""The same rows are drawn in whatever order and pieces they come, and memory stays bounded."""

import numpy as np
import pyarrow as pa

from tasks.monitor.draw import Draw, draw

ROWS = pa.table({"id": [f"p{i:05}" for i in range(5000)], "value": np.arange(5000)})


def in_pieces(order: np.ndarray, size: int) -> pa.Table:
    drawn = Draw("id", 200, seed=3)
    shuffled = ROWS.take(order)
    for start in range(0, len(order), size):
        drawn.add(shuffled.slice(start, size))
        assert sum(table.num_rows for table in drawn._tables) <= 4 * 200
    rows = drawn.rows()
    assert rows is not None
    return rows


def test_order_and_pieces_do_not_matter() -> None:
    expected = draw(ROWS, "id", 200, seed=3)
    assert expected.num_rows == 200
    for seed, size in ((0, 7), (1, 500), (2, 799)):
        order = np.random.default_rng(seed).permutation(len(ROWS))
        assert in_pieces(order, size).equals(expected.combine_chunks())


def test_another_seed_draws_others_and_each_row_is_as_likely() -> None:
    first, second = (draw(ROWS, "id", 1000, seed=seed)["value"].to_numpy() for seed in (1, 2))
    assert len(np.intersect1d(first, second)) < 300
    assert abs(first.mean() - 2499.5) < 150
    assert (np.diff(first) > 0).all()


def test_few_rows_are_all_kept_and_none_are_none() -> None:
    assert draw(ROWS.slice(0, 5), "id", 200, seed=3).num_rows == 5
    assert Draw("id", 200, seed=3).rows() is None
