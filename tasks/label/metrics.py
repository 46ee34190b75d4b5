"""What stage label reports: counts, class shares and how far the raters agree, per source."""

import pyarrow as pa
import pyarrow.compute as pc

from tasks.label.alpha import measure_alpha
from tasks.votes import LabelParams, vote_counts

Metrics = dict[str, int | float | dict[str, int] | dict[str, float]]


def measure(labelled: pa.Table, params: LabelParams) -> Metrics:
    """Metrics of LABELLED rows; a source whose alpha is undefined is left out of `alpha`."""
    votes = labelled.column("votes").combine_chunks()
    alpha_overall = measure_alpha(votes, params, "all sources")
    sources = split_by_source(labelled)
    alphas = {
        name: measure_alpha(rows.column("votes").combine_chunks(), params, name)
        for name, rows in sources.items()
    }
    metrics: Metrics = {
        "rows_in": labelled.num_rows,
        "rows_out": labelled.num_rows,
        "rejected": 0,
        "unlabelled": labelled.column("label").null_count,
        "num_votes": len(votes.flatten()),
        "num_labels": count_labels(labelled, params.classes),
        "label_shares": measure_shares(sources, params.classes),
        "alpha": {name: alpha for name, alpha in alphas.items() if alpha is not None},
    }
    if alpha_overall is not None:
        metrics["alpha_overall"] = alpha_overall
    agreement = pc.mean(labelled.column("agreement")).as_py()
    if agreement is not None:
        metrics["mean_agreement"] = agreement
    return metrics


def count_outside(votes: pa.ListArray, params: LabelParams) -> int:
    """Votes that are no class, or no number within the scale, and so count nowhere."""
    return len(votes.flatten()) - int(vote_counts(votes, params).sum())


def split_by_source(labelled: pa.Table) -> dict[str, pa.Table]:
    column = labelled.column("source")
    names = sorted(pc.unique(column).to_pylist())
    return {name: labelled.filter(pc.equal(column, name)) for name in names}


def count_labels(labelled: pa.Table, classes: list[str]) -> dict[str, int]:
    """Rows per class, in the order of the classes, 0 for a class nobody voted for."""
    found = pc.value_counts(labelled.column("label").drop_null()).to_pylist()
    counts = {item["values"]: item["counts"] for item in found}
    return {name: counts.get(name, 0) for name in classes}


def measure_shares(sources: dict[str, pa.Table], classes: list[str]) -> dict[str, float]:
    """Share of each class among a source's labelled rows, as 'source/class'."""
    shares: dict[str, float] = {}
    for source, rows in sources.items():
        counts = count_labels(rows, classes)
        total = sum(counts.values())
        shares |= {f"{source}/{name}": count / total for name, count in counts.items() if total}
    return shares
