"""The four tables of plain facts that rules look at, derived from the examples without loops."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tasks.records import CLEANED, FEEDBACK_ORIGIN, is_feedback
from tasks.votes import (
    UNLABELLED,
    CategoryVotes,
    LabelParams,
    ScaleVotes,
    flatten,
    resolve,
    vote_classes,
)

Floats = npt.NDArray[np.float64]
_PLAIN = ["example_id", "text", "source", "created_at", "origin", "group_id"]
_OF_FILES = ["num_votes", "is_labelled", "has_duplicates", "is_near_duplicate"]
_REQUIRED = [field.name for field in CLEANED if not field.nullable]

FACTS: dict[str, dict[str, str]] = {
    "columns": {
        "column": "name of a column of the input or of the declared schema",
        "found_type": "its type in the input; 'missing' if it is not there",
        "declared_type": "its type in tasks/records.py; 'not declared' if it should not be there",
    },
    "examples": {
        **dict.fromkeys(_PLAIN, "as in tasks/records.py"),
        "num_missing": "how many of the columns that must have a value have none",
        "text_length": "characters",
        "num_votes": "votes; null: none yet, or corrections, which label.trust weighs",
        "num_raters": "raters; null: unknown",
        "num_votes_outside": "votes that are no class, or off the scale; null: correction by class",
        "lowest_vote": "smallest vote on a scale; null: none, or votes are class names",
        "highest_vote": "largest vote on a scale; null: none, or votes are class names",
        "label": "class the votes resolve to; null: none, or corrections",
        "is_labelled": "1 or 0; its mean is a share; null: corrections",
        "has_duplicates": "1 if equal texts were merged into this one, else 0; null: corrections",
        "is_near_duplicate": "1 if in another example's cluster, else 0; null: corrections",
    },
    "sources": {
        "source": "name of a source of files; corrections have no size to expect",
        "num_examples": "examples from it",
        "share": "of all examples, 0 to 1",
    },
    "classes": {
        "class": "each class of params section label, also one no example has",
        "num_examples": "examples the votes resolve to it",
        "share": "of the labelled examples, 0 to 1; 0 if there are none",
    },
}


def describe_columns(found: pa.Schema) -> pd.DataFrame:
    """Table `columns`: the input's columns and types beside the declared ones."""
    names = [*CLEANED.names, *(name for name in found.names if name not in CLEANED.names)]
    return pd.DataFrame(
        {
            "column": names,
            "found_type": [_type_of(found, name, "missing") for name in names],
            "declared_type": [_type_of(CLEANED, name, "not declared") for name in names],
        }
    )


def describe_examples(table: pa.Table, params: LabelParams) -> pd.DataFrame:
    """Table `examples`: one row per example, in order, numbers as int64 or float64."""
    frame: pd.DataFrame = table.select(_PLAIN).to_pandas()
    missing = [table[name].is_null().to_numpy() for name in _REQUIRED]
    frame["num_missing"] = np.sum(missing, axis=0, dtype=np.int64)
    frame["text_length"] = _floats(pc.utf8_length(table["text"]))
    for name, value in _describe_votes(table["votes"].combine_chunks(), params).items():
        frame[name] = value
    frame["num_raters"] = _floats(pc.list_value_length(table["raters"]))
    frame["is_labelled"] = frame["label"].notna().astype(np.int64)
    merged = pc.greater(pc.list_value_length(table["duplicate_ids"]), 0)
    frame["has_duplicates"] = _flags(merged)
    frame["is_near_duplicate"] = _flags(pc.not_equal(table["group_id"], table["example_id"]))
    corrected = is_feedback(table).to_numpy(zero_copy_only=False)
    if corrected.any():  # bounds are those of files: a flood of corrections must not stop a night
        names = _bounds_of_files(params)
        frame = frame.astype(dict.fromkeys(names, np.float64))
        frame.loc[corrected, names] = np.nan
        frame.loc[corrected, "label"] = None
    return frame[list(FACTS["examples"])]


def describe_sources(examples: pd.DataFrame) -> pd.DataFrame:
    """Table `sources`: one row per source of files in the data, by name."""
    is_corrected = examples["origin"].str.startswith(f"{FEEDBACK_ORIGIN}:").fillna(False)
    counts = examples.loc[~is_corrected.astype(bool), "source"].value_counts().sort_index()
    return pd.DataFrame(
        {
            "source": counts.index,
            "num_examples": counts.to_numpy(dtype=np.int64),
            "share": counts.to_numpy(dtype=np.float64) / max(len(examples), 1),
        }
    )


def describe_classes(examples: pd.DataFrame, classes: list[str]) -> pd.DataFrame:
    """Table `classes`: one row per class, in the order of params section `label`."""
    counts = examples["label"].value_counts().reindex(classes, fill_value=0)
    num_labelled = int(counts.sum())
    return pd.DataFrame(
        {
            "class": classes,
            "num_examples": counts.to_numpy(dtype=np.int64),
            "share": counts.to_numpy(dtype=np.float64) / max(num_labelled, 1),
        }
    )


def _bounds_of_files(params: LabelParams) -> list[str]:
    """Columns that say nothing of corrections. One to a class that is no more counts for nothing;
    one off the scale is a mistake in `aggregate.feedback.votes`, and told."""
    by_name = isinstance(params.votes, CategoryVotes)
    return [*_OF_FILES, "num_votes_outside"] if by_name else _OF_FILES


def _describe_votes(votes: pa.ListArray, params: LabelParams) -> dict[str, Any]:
    flat, row = flatten(votes)
    encoded = flat.dictionary_encode(null_encoding="encode")  # millions of votes, few values
    code = encoded.indices.to_numpy()
    outside = (vote_classes(encoded.dictionary, params) == UNLABELLED)[code]
    lowest = highest = np.full(len(votes), np.nan)
    if isinstance(params.votes, ScaleVotes):  # the class name "1e5" is no number
        numbers = pd.to_numeric(encoded.dictionary.to_pandas(), errors="coerce")
        lowest, highest = _extremes(numbers.to_numpy(np.float64)[code], row, len(votes))
    count = np.bincount(row, minlength=len(votes)).astype(np.float64)
    index = resolve(votes, params)
    names = pa.array(params.classes, pa.string())
    return {
        "num_votes": np.where(count > 0, count, np.nan),
        "num_votes_outside": np.bincount(row[outside], minlength=len(votes)).astype(np.int64),
        "lowest_vote": lowest,
        "highest_vote": highest,
        "label": names.take(pa.array(index, mask=index == UNLABELLED)).to_pandas(),
    }


def _extremes(numbers: Floats, row: npt.NDArray[np.int64], num_rows: int) -> tuple[Floats, Floats]:
    """Smallest and largest number of each row, shape (rows,); NaN where there is none."""
    lowest, highest = np.full(num_rows, np.nan), np.full(num_rows, np.nan)
    known = np.isfinite(numbers)
    if not known.all():
        numbers, row = numbers[known], row[known]
    if len(numbers):
        starts = np.flatnonzero(np.diff(row, prepend=-1))  # votes of one row lie together
        lowest[row[starts]] = np.minimum.reduceat(numbers, starts)
        highest[row[starts]] = np.maximum.reduceat(numbers, starts)
    return lowest, highest


def _floats(numbers: pa.ChunkedArray) -> Floats:
    floats: Floats = numbers.cast(pa.float64()).to_numpy()
    return floats


def _flags(mask: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    flags: npt.NDArray[np.int64] = mask.fill_null(False).to_numpy().astype(np.int64)
    return flags


def _type_of(schema: pa.Schema, name: str, otherwise: str) -> str:
    """A list's type without its element's name, which means nothing and differs by writer."""
    if name not in schema.names:
        return otherwise
    kind = schema.field(name).type
    return f"list<{kind.value_type}>" if pa.types.is_list(kind) else str(kind)
