"""Command line of stage label."""

import logging
from pathlib import Path

import pyarrow as pa

from tasks import stage
from tasks.artifacts import whole_folder, write_json
from tasks.label.consensus import Consensus, apply_consensus
from tasks.label.labels import add_labels, resolve_labels
from tasks.label.metrics import Metrics, count_labels, measure
from tasks.label.raters import RATERS, find_rater_votes, tabulate_raters
from tasks.label_set import LabelSet, write_label_set
from tasks.params import load_params
from tasks.records import CLEANED, LABELLED, read_table, write_table
from tasks.votes import CategoryVotes, LabelParams

log = logging.getLogger(__name__)


def label(examples: pa.Table, params: LabelParams) -> tuple[pa.Table, pa.Table, Metrics]:
    """Examples with their labels, the raters, and the metrics."""
    votes = find_rater_votes(examples, params)
    labels = resolve_labels(examples.column("votes").combine_chunks(), params)
    consensus = Consensus(labels, 0, {})
    # a scale keeps its mean: cleanlab's methods weigh names, and know no distance between them
    if votes.names and params.consensus and isinstance(params.votes, CategoryVotes):
        consensus = apply_consensus(examples, labels, votes, params.consensus)
    labelled = add_labels(examples, consensus.labels, params.classes)
    raters = tabulate_raters(votes, consensus.rater_quality)
    metrics = measure(labelled, params)
    metrics |= {"num_raters": raters.num_rows, "consensus_rows": consensus.num_rows}
    return labelled, raters, metrics


def main(source: Path, target: Path) -> None:
    """Resolve the votes of every example into a label."""
    params = load_params("label", LabelParams)
    labelled, raters, metrics = label(read_table(source, CLEANED), params)
    with whole_folder(target) as folder:
        write_table(folder / "examples.parquet", labelled, LABELLED)
        write_table(folder / "raters.parquet", raters, RATERS)
        label_set = LabelSet(classes=tuple(params.classes), ordered=params.ordered)
        write_label_set(folder / "label_set.json", label_set)
        write_json(folder / "metrics.json", {"label": metrics})
    log.info(
        "%s examples: %s, %s unlabelled",
        f"{labelled.num_rows:,}",
        ", ".join(
            f"{num:,} {name}" for name, num in count_labels(labelled, params.classes).items()
        ),
        f"{labelled.column('label').null_count:,}",
    )


if __name__ == "__main__":
    stage.run("label", main)
