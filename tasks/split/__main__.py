"""Stage `split`: each labelled example to a part by the hash of its text; corrections of the
test, and of what would be test, to the hold-out."""

import logging
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tasks import artifacts, records, stage
from tasks.params import load_params
from tasks.split.assignment import PARTS, Member, assign
from tasks.split.leaks import refuse_gaps, refuse_leaks
from tasks.split.nearness import set_aside_near
from tasks.split.params import SplitParams
from tasks.text import match_key

log = logging.getLogger(__name__)
EXCLUDED = records.LABELLED.append(
    pa.field("reason", pa.string(), False, {"meaning": "unlabelled, or what it is a twin of"})
)


def split(examples: pa.Table, params: SplitParams) -> tuple[dict[str, pa.Table], pa.Table]:
    """The LABELLED rows of each part, and EXCLUDED rows; GateError if the parts are no use."""
    members = _members(examples)
    placed = set_aside_near(members, assign(members, params), params)
    assigned = pa.array(placed, pa.string())
    parts = {part: examples.filter(pc.equal(assigned, part)) for part in PARTS}
    is_excluded = pc.invert(pc.is_in(assigned, pa.array(PARTS)))
    excluded = examples.filter(is_excluded).append_column("reason", assigned.filter(is_excluded))
    refuse_gaps(parts)
    refuse_leaks(parts, params.leak_jaccard)
    return parts, excluded


def measure(parts: dict[str, pa.Table], excluded: pa.Table) -> dict[str, int | dict[str, int]]:
    """Counts for DVC; rows_in = rows_out + rejected, where rejected is what was set aside."""
    rows_out = sum(table.num_rows for table in parts.values())
    metrics: dict[str, int | dict[str, int]] = {
        "rows_in": rows_out + excluded.num_rows,
        "rows_out": rows_out,
        "rejected": excluded.num_rows,
        "excluded": _counts(excluded["reason"]),
    }
    for part, table in parts.items():
        metrics[part] = table.num_rows
        metrics[f"{part}_by_source"] = _counts(table["source"])
        metrics[f"{part}_by_label"] = _counts(table["label"])
    return metrics


def main(source: Path, target: Path) -> None:
    """Write train, validation, test and hold-out, and what was set aside with the reason."""
    params = load_params("split", SplitParams)
    parts, excluded = split(records.read_table(source, records.LABELLED), params)
    metrics = measure(parts, excluded)
    with artifacts.whole_folder(target) as folder:
        for part, table in parts.items():
            records.write_table(folder / f"{part}.parquet", table, records.LABELLED)
        records.write_table(folder / "excluded.parquet", excluded, EXCLUDED)
        artifacts.write_json(folder / "metrics.json", {"split": metrics})
    sizes = ", ".join(f"{part} {metrics[part]:,}" for part in PARTS)
    log.info("%s; set aside: %s", sizes, metrics["excluded"])


def _members(examples: pa.Table) -> list[Member]:
    columns = (examples[name].to_pylist() for name in ("example_id", "text", "group_id", "label"))
    corrected = records.is_feedback(examples).to_pylist()
    return [
        Member(example_id, match_key(text), group_id, label is not None, is_feedback)
        for example_id, text, group_id, label, is_feedback in zip(*columns, corrected, strict=True)
    ]


def _counts(column: pa.ChunkedArray) -> dict[str, int]:
    return dict(sorted(Counter(column.to_pylist()).items()))


if __name__ == "__main__":
    stage.run("split", main)
