"""Splits of a few rows, as the stage split writes them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from tasks.evaluate.examples import Examples
from tasks.evaluate.params import EvaluateParams
from tasks.params import load_params
from tasks.records import LABELLED, write_table

SHIPPED = load_params("evaluate", EvaluateParams, Path(__file__).parents[3] / "params.yaml")
FAST = {"level": 0.95, "num_resamples": 200, "seed": 0}


def write_split(
    file: Path,
    texts: Sequence[str],
    labels: Sequence[str | None],
    sources: Sequence[str],
    mean_votes: Sequence[float | None] | None = None,
) -> Path:
    rows = [
        {
            "example_id": f"{index:04}", "text": text, "source": source, "votes": ["1"],
            "raters": None, "created_at": None, "origin": f"file:{index}", "duplicate_ids": [],
            "group_id": f"{index:04}", "label": label, "label_probs": None, "agreement": 1.0,
            "mean_vote": mean_votes[index] if mean_votes else None,
        }
        for index, (text, label, source) in enumerate(zip(texts, labels, sources, strict=True))
    ]  # fmt: skip
    write_table(file, pa.Table.from_pylist(rows, schema=LABELLED), LABELLED)
    return file


def make_examples(
    labels: Sequence[int], sources: Sequence[str] | None = None, texts: Sequence[str] | None = None
) -> Examples:
    size = len(labels)
    return Examples(
        [f"{index:04}" for index in range(size)],
        list(texts) if texts else [f"text {index}" for index in range(size)],
        np.array(sources if sources else ["only"] * size, dtype=object),
        np.array(labels, dtype=np.int64),
        np.full(size, np.nan),
    )
