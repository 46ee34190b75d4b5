"""So many rows at most, drawn by a hash of their ids: the same ones in whatever order they come."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

_SPARE = 4  # times as many rows as are kept lie in memory before the rest is let go


class Draw:
    """Takes tables of one schema, of any length altogether; holds a bounded number of rows."""

    def __init__(self, id_column: str, max_rows: int, seed: int) -> None:
        self._id_column, self._max_rows, self._seed = id_column, max_rows, seed
        self._tables: list[pa.Table] = []
        self._num_held = 0

    def add(self, table: pa.Table) -> None:
        self._tables.append(table)
        self._num_held += table.num_rows
        if self._num_held > _SPARE * self._max_rows:
            self._tables = [self._kept()]
            self._num_held = self._tables[0].num_rows

    def rows(self) -> pa.Table | None:
        """In the order of their ids; None where nothing was added."""
        return self._kept().sort_by(self._id_column) if self._tables else None

    def _kept(self) -> pa.Table:
        table = pa.concat_tables(self._tables)
        if table.num_rows <= self._max_rows:
            return table
        numbers = _hash(table[self._id_column].to_pylist(), self._seed)
        return table.take(np.argpartition(numbers, self._max_rows)[: self._max_rows])


def draw(table: pa.Table, id_column: str, max_rows: int, seed: int) -> pa.Table:
    """Of one table, in the order of the ids."""
    drawn = Draw(id_column, max_rows, seed)
    drawn.add(table)
    return drawn.rows()


def _hash(ids: Sequence[str], seed: int) -> npt.NDArray[np.uint64]:
    values = np.array(ids, dtype=object)
    return pd.util.hash_array(values, hash_key=f"{seed:016d}"[-16:], categorize=False)
