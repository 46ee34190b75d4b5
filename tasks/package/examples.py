"""The test split as package reads it, with what evaluate's model answered."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tasks.errors import InputError
from tasks.label_set import LabelSet
from tasks.records import LABELLED, PREDICTED, read_table

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Examples(NamedTuple):
    """Columns of one length, in the order of the split."""

    example_ids: list[str]
    texts: list[str]
    sources: list[str]
    labels: list[str]
    probs: Floats  # (examples, classes), of the trained network


def read_examples(test_file: Path, predictions_file: Path, label_set: LabelSet) -> Examples:
    """InputError when the split is empty, or the predictions are of other rows or classes."""
    table = read_table(test_file, LABELLED)
    predictions = read_table(predictions_file, PREDICTED)
    example_ids = table["example_id"].to_pylist()
    if not example_ids or predictions["example_id"].to_pylist() != example_ids:
        raise InputError(
            f"{predictions_file}: {predictions.num_rows} predictions, expected one per row of "
            f"{test_file}, 1 or more, in its order; found {len(example_ids)} rows there. Re-run "
            "the stage `evaluate`."
        )
    labels = table["label"].to_pylist()
    if strangers := sorted({str(label) for label in labels} - set(label_set.classes)):
        raise InputError(
            f"{test_file}: labels {strangers[:3]} are not among the model's classes "
            f"{list(label_set.classes)}. Re-run label, split, train and evaluate."
        )
    return Examples(
        example_ids,
        table["text"].to_pylist(),
        table["source"].to_pylist(),
        labels,
        _read_probs(predictions, predictions_file, len(label_set.classes)),
    )


def _read_probs(predictions: pa.Table, file: Path, num_classes: int) -> Floats:
    rows = predictions["probs"].to_pylist()
    if {len(row) for row in rows} != {num_classes}:
        raise InputError(
            f"{file}: a row's probs must have {num_classes} numbers, one per class of the model. "
            "Re-run the stage `evaluate`."
        )
    return np.array(rows, dtype=np.float64)
