"""The order of rows in a partition: by event_id, found over its first bytes as numbers."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

_BYTES = 8  # of a text, which compare as one number


def order_of(ids: pa.StringArray) -> npt.NDArray[np.int64]:
    """The positions that put the texts in ascending order, whatever they are.

    Those of random UUIDs hardly ever begin alike, and take a tenth of the time that comparing
    whole texts does; only those that do begin alike are compared.
    """
    heads = pc.binary_slice(ids.cast(pa.binary()), 0, _BYTES)
    if not pc.all(pc.equal(pc.binary_length(heads), _BYTES)).as_py():
        return _sort(ids)
    keys = np.frombuffer(heads.buffers()[2], ">u8", len(ids)).astype(np.uint64)
    order = np.argsort(keys)
    is_same = np.diff(keys[order]) == 0
    tied = np.flatnonzero(np.append(is_same, False) | np.insert(is_same, 0, False))
    rows = order[tied]
    order[tied] = rows[_sort(ids.take(pa.array(rows)))]
    return order


def _sort(texts: Any) -> npt.NDArray[np.int64]:
    return np.asarray(pc.sort_indices(texts), np.int64)
