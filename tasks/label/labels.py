"""Votes to class, soft distribution, agreement and mean, one of each per example."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tasks.votes import (
    UNLABELLED,
    Floats,
    Ints,
    LabelParams,
    ScaleVotes,
    mean_votes,
    resolve,
    vote_counts,
)


@dataclass(frozen=True)
class Labels:
    """What the votes say about each row; arrays of one length, -1 and NaN for unlabelled rows."""

    classes: Ints  # (rows,): index of the class
    probs: Floats  # (rows, classes): share of votes, each row sums to 1
    agreement: Floats  # (rows,): 0 to 1
    means: Floats | None  # (rows,): on the scale of the votes; None where votes are names


def resolve_labels(votes: pa.ListArray, params: LabelParams) -> Labels:
    """Labels of all rows by the rule of the params, every vote counting the same."""
    counts = vote_counts(votes, params)
    totals = counts.sum(axis=1, keepdims=True)
    probs = np.divide(counts, totals, out=np.full(counts.shape, np.nan), where=totals > 0)
    scale = params.votes
    means = mean_votes(votes, scale) if isinstance(scale, ScaleVotes) else None
    return Labels(resolve(votes, params), probs, measure_agreement(counts), means)


def measure_agreement(counts: Ints) -> Floats:
    """Chance that two different votes of a row name the same class, shape (rows,).

    For n votes, n_c of them for class c: sum of n_c (n_c - 1) over n (n - 1), the agreement P_i of
    Fleiss (1971). A single vote contradicts nobody: 1. No vote: NaN. `counts`: (rows, classes).
    """
    totals = counts.sum(axis=1)
    pairs = totals * (totals - 1)
    alike = (counts * (counts - 1)).sum(axis=1)
    agreement: Floats = np.divide(alike, pairs, out=np.ones(len(counts)), where=pairs > 0)
    agreement[totals == 0] = np.nan
    return agreement


def add_labels(examples: pa.Table, labels: Labels, names: list[str]) -> pa.Table:
    """The table with the four columns of LABELLED; nulls where a row is unlabelled."""
    unlabelled = labels.classes == UNLABELLED
    label = pa.DictionaryArray.from_arrays(
        pa.array(labels.classes, mask=unlabelled), pa.array(names, pa.string())
    ).cast(pa.string())
    ends = np.cumsum(np.where(unlabelled, 0, len(names)))
    probs = pa.ListArray.from_arrays(
        pa.array(np.concatenate([[0], ends]), pa.int32()),
        pa.array(labels.probs[~unlabelled].ravel(), pa.float64()),
        mask=pa.array(unlabelled),
    )
    if labels.means is None:
        means = pa.nulls(len(unlabelled), pa.float64())
    else:
        means = pa.array(labels.means, pa.float64(), mask=unlabelled)
    agreement = pa.array(labels.agreement, pa.float64(), mask=unlabelled)
    columns = {"label": label, "label_probs": probs, "agreement": agreement, "mean_vote": means}
    for name, column in columns.items():
        examples = examples.append_column(name, column)
    return examples
