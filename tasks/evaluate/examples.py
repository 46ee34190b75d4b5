"""A split as evaluate reads it: texts, where they come from, and class indices."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tasks.errors import InputError
from tasks.label_set import LabelSet
from tasks.records import LABELLED, read_table

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class Examples(NamedTuple):
    """Columns of one length, in the order of the file."""

    example_ids: list[str]
    texts: list[str]
    sources: npt.NDArray[np.object_]
    labels: Ints  # class indices
    mean_votes: Floats  # NaN: the votes are on no scale

    def source_names(self) -> list[str]:
        return sorted(set(self.sources))


def read_examples(source: Path, label_set: LabelSet) -> Examples:
    """Read a split; InputError when it is empty or a label is none of the label set's."""
    return to_examples(read_table(source, LABELLED), source, label_set)


def to_examples(table: pa.Table, source: Path, label_set: LabelSet) -> Examples:
    """LABELLED rows, read from `source`; InputError likewise."""
    if not table.num_rows:
        raise InputError(
            f"{source}: 0 rows, expected 1 or more. Raise the share of this split in params "
            "section 'split', or bring more labelled data."
        )
    labels = pc.index_in(table["label"], value_set=pa.array(label_set.classes, pa.string()))
    if labels.null_count:
        unknown = table.filter(pc.is_null(labels)).slice(0, 1).to_pylist()[0]
        raise InputError(
            f"{source}: label {unknown['label']!r} of example {unknown['example_id']} is not "
            f"among the model's classes {list(label_set.classes)}. Re-run label, split and train."
        )
    return Examples(
        table["example_id"].to_pylist(),
        table["text"].to_pylist(),
        np.array(table["source"].to_pylist(), dtype=object),
        labels.to_numpy().astype(np.int64),
        table["mean_vote"].to_numpy().astype(np.float64),
    )
