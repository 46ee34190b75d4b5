"""Stage `clean`: normal form, lengths, exact duplicates merged, near-duplicates grouped."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks import artifacts, progress, records, stage
from tasks.clean.bridges import reject_bridges, settle
from tasks.clean.duplicates import CONFLICTS, find_conflicts, find_copies, merge
from tasks.clean.lengths import reject
from tasks.clean.near_duplicates import cluster
from tasks.clean.params import CleanParams, NearDuplicatesParams
from tasks.errors import InputError
from tasks.params import load_params
from tasks.text import match_key, normalise

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Cleaned:
    """The three tables of the stage: CLEANED, REJECTED and CONFLICTS rows."""

    examples: pa.Table
    rejected: pa.Table
    conflicts: pa.Table


def clean(examples: pa.Table, params: CleanParams) -> Cleaned:
    """From AGGREGATED rows to one CLEANED row per distinct text, in the order of first rows."""
    unique, rejected, conflicts = merge_duplicates(examples, params)
    log.info("%s distinct texts; looking for near-duplicates", f"{len(unique):,}")
    groups = group(unique, params.near_duplicates)
    corrected = records.is_feedback(unique)
    if pc.any(corrected).as_py():
        files = group(unique.filter(pc.invert(corrected)), params.near_duplicates)
        groups, bridges = settle(groups, corrected, files)
        rejected = pa.concat_tables([rejected, reject_bridges(unique.filter(bridges))])
        unique, groups = unique.filter(pc.invert(bridges)), groups.filter(pc.invert(bridges))
    return Cleaned(unique.append_column("group_id", groups), rejected, conflicts)


def merge_duplicates(
    examples: pa.Table, params: CleanParams
) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Normal forms with exact duplicates merged; REJECTED rows; CONFLICTS rows."""
    _refuse_repeated_ids(examples)
    column = examples.column_names.index("text")
    examples, rejected = reject(
        examples.set_column(column, "text", normalise_all(examples["text"])), params
    )
    copies = find_copies(_identities(examples))
    conflicts = find_conflicts(examples, copies, params.min_vote_overlap)
    return merge(examples, copies), rejected, conflicts


def _identities(examples: pa.Table) -> pa.ChunkedArray:
    """What makes two rows one: the text. A correction stays beside what is known of its text, so
    that no label, and no test label above all, changes by what somebody sends in."""
    marked = pc.binary_join_element_wise(examples["text"], "feedback", "\0")
    return pc.if_else(records.is_feedback(examples), marked, examples["text"])


def normalise_all(texts: pa.ChunkedArray) -> pa.Array:
    """The normal form of each text."""
    written = texts.to_pylist()
    tracked = progress.track(written, len(written), "texts")
    return pa.array([normalise(text) for text in tracked], pa.string())


def group(examples: pa.Table, params: NearDuplicatesParams) -> pa.Array:
    """For each row the smallest example_id of its cluster of near-duplicates."""
    keys = [match_key(text) for text in examples["text"].to_pylist()]
    clusters = cluster(keys, params)
    ids = np.array(examples["example_id"].to_pylist(), dtype=object)
    order = np.argsort(ids, kind="stable")
    _, first = np.unique(clusters[order], return_index=True)
    return pa.array(ids[order][first][clusters], pa.string())


def measure(num_rows_in: int, cleaned: Cleaned) -> dict[str, int]:
    """Counts for DVC; rows_in = rows_out + rejected + duplicates_merged."""
    _, sizes = np.unique(cleaned.examples["group_id"].to_pylist(), return_counts=True)
    rows_out, rejected = cleaned.examples.num_rows, cleaned.rejected.num_rows
    return {
        "rows_in": num_rows_in,
        "rows_out": rows_out,
        "rejected": rejected,
        "duplicates_merged": num_rows_in - rows_out - rejected,
        "conflicts": cleaned.conflicts.num_rows,
        "near_duplicate_groups": int((sizes > 1).sum()),
        "near_duplicate_rows": int(sizes[sizes > 1].sum()),
        "largest_group": int(sizes.max(initial=0)),
    }


def main(source: Path, target: Path) -> None:
    """Read aggregated examples, write cleaned ones with what was rejected or conflicts."""
    params = load_params("clean", CleanParams)
    examples = records.read_table(source, records.AGGREGATED)
    cleaned = clean(examples, params)
    metrics = measure(len(examples), cleaned)
    with artifacts.whole_folder(target) as folder:
        records.write_table(folder / "examples.parquet", cleaned.examples, records.CLEANED)
        records.write_table(folder / "rejected.parquet", cleaned.rejected, records.REJECTED)
        records.write_table(folder / "conflicts.parquet", cleaned.conflicts, CONFLICTS)
        artifacts.write_json(folder / "metrics.json", {"clean": metrics})
    _report(metrics, params)


def _report(metrics: dict[str, int], params: CleanParams) -> None:
    log.info("%s", ", ".join(f"{name} {count:,}" for name, count in metrics.items()))
    if metrics["conflicts"]:
        log.warning(
            "%s texts have copies whose votes overlap less than %s; see conflicts.parquet",
            f"{metrics['conflicts']:,}",
            params.min_vote_overlap,
        )


def _refuse_repeated_ids(examples: pa.Table) -> None:
    counts = examples["example_id"].value_counts()
    repeated = [row["values"] for row in counts.to_pylist() if row["counts"] > 1]
    if repeated:
        raise InputError(
            f"example_id {repeated[0]} and {len(repeated) - 1} more occur twice, expected once "
            "each. Run aggregate again; it rejects repeated ids within a source."
        )


if __name__ == "__main__":
    stage.run("clean", main)
