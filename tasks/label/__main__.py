"""Command line of stage label."""

import logging
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from tasks import stage
from tasks.artifacts import whole_folder, write_json
from tasks.label.consensus import Consensus, apply_consensus
from tasks.label.labels import Labels, add_labels, resolve_labels
from tasks.label.metrics import Metrics, count_labels, count_outside, measure
from tasks.label.raters import RATERS, RaterVotes, find_rater_votes, tabulate_raters
from tasks.label.trust import Corrections, apply_trust
from tasks.label.weighed import WEIGHED, keep_counted, tabulate_weights
from tasks.label_set import LabelSet, write_label_set
from tasks.params import load_params
from tasks.records import CLEANED, LABELLED, is_feedback, read_table, write_table
from tasks.votes import CategoryVotes, LabelParams

log = logging.getLogger(__name__)


class Outcome(NamedTuple):
    """LABELLED rows, the RATERS, metrics, and WEIGHED rows."""

    examples: pa.Table
    raters: pa.Table
    metrics: Metrics
    weighed: pa.Table


def label(examples: pa.Table, params: LabelParams) -> Outcome:
    """Examples with their labels, who gave the votes, and what those of corrections counted."""
    votes = find_rater_votes(examples, params)
    corrected = is_feedback(examples).to_numpy(zero_copy_only=False)
    given = examples.column("votes").combine_chunks()
    labels = resolve_labels(given, params)
    consensus = _find_consensus(examples, labels, votes.of_rows(~corrected), params)
    texts = examples.column("text").to_pylist() if corrected.any() else []
    corrections = Corrections(corrected, texts, votes.of_rows(corrected))
    trusted = apply_trust(consensus.labels, corrections, params)
    if corrected.any():
        examples = keep_counted(examples, corrections, trusted.each)
    labelled = add_labels(examples, trusted.labels, params.classes)
    raters = tabulate_raters(votes, consensus.rater_quality | trusted.reliability, trusted.weight)
    metrics = measure(labelled, params)
    metrics |= {"num_raters": raters.num_rows, "consensus_rows": consensus.num_rows}
    metrics["num_votes_outside_rules"] = count_outside(given, params)
    if corrected.any():
        metrics |= trusted.measure()
        metrics["corrected_rows"] = int(corrected.sum())
    weighed = tabulate_weights(examples["example_id"], corrections.votes, trusted)
    return Outcome(labelled, raters, metrics, weighed)


def _find_consensus(
    examples: pa.Table, labels: Labels, votes: RaterVotes, params: LabelParams
) -> Consensus:
    # a scale keeps its mean: cleanlab's methods weigh names, and know no distance between them
    if votes.names and params.consensus and isinstance(params.votes, CategoryVotes):
        return apply_consensus(examples, labels, votes, params.consensus)
    return Consensus(labels, 0, {})


def main(source: Path, target: Path) -> None:
    """Resolve the votes of every example into a label."""
    params = load_params("label", LabelParams)
    labelled, raters, metrics, weighed = label(read_table(source, CLEANED), params)
    with whole_folder(target) as folder:
        write_table(folder / "examples.parquet", labelled, LABELLED)
        write_table(folder / "raters.parquet", raters, RATERS)
        write_table(folder / "weighed.parquet", weighed, WEIGHED)
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
