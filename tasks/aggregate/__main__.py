"""Command line of the stage: `python -m tasks.aggregate FETCH RAW FEEDBACK TARGET`."""

import logging
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from tasks import stage
from tasks.aggregate.corrections import read_corrections
from tasks.aggregate.newest import TAKEN
from tasks.aggregate.params import AggregateParams
from tasks.aggregate.sources import Result, read_source
from tasks.artifacts import whole_folder, write_json
from tasks.errors import GateError
from tasks.params import load_params
from tasks.records import AGGREGATED, REJECTED, write_table

log = logging.getLogger(__name__)


def main(fetch: Path, raw: Path, corrections: Path, target: Path) -> None:
    """Read every source of params section `aggregate`, and the corrections, into TARGET."""
    params = load_params("aggregate", AggregateParams)
    folders = {"fetch": fetch, "raw": raw}
    results = [read_source(source, folders, params) for source in params.sources]
    problems = find_excess(results, params)
    of_files = [result.examples for result in results]
    corrected, taken = read_corrections(corrections, params.feedback, of_files)
    if corrected.rows_in:
        results.append(corrected)
    rejected = list_rejects(results)
    failed = target.with_name(f"{target.name}-failed")
    if problems:
        with whole_folder(failed) as folder:
            write_table(folder / "rejected.parquet", rejected, REJECTED)
        raise GateError(
            f"{'; '.join(problems)}. Mend these lines or the source's params, or raise "
            f"aggregate.max_reject_fraction; all of them stand in {failed}/rejected.parquet."
        )
    with whole_folder(target) as folder:
        for result in results:
            part = folder / "examples" / f"source={result.source}" / "part-0.parquet"
            write_table(part, result.examples, AGGREGATED)
        write_table(folder / "rejected.parquet", rejected, REJECTED)
        write_table(folder / "corrections.parquet", taken, TAKEN)
        write_json(folder / "metrics.json", {"aggregate": summarise(results)})
    shutil.rmtree(failed, ignore_errors=True)  # of an earlier run, no longer true


def list_rejects(results: Sequence[Result]) -> pa.Table:
    """Rejected rows of all sources, in the order met; schema REJECTED."""
    rows = [
        {"source": result.source, **reject._asdict()}
        for result in results
        for reject in result.rejects
    ]
    return pa.Table.from_pylist(rows, REJECTED)


def find_excess(results: Sequence[Result], params: AggregateParams) -> list[str]:
    """One sentence per source with more than `max_reject_fraction` of its rows rejected."""
    problems = []
    for result in results:
        fraction = len(result.rejects) / max(result.rows_in, 1)
        if fraction > params.max_reject_fraction:
            shown = result.rejects[: params.num_shown_rejects]
            lines = "; ".join(f"{reject.origin}: {reject.reason}" for reject in shown)
            problems.append(
                f"source '{result.source}': {len(result.rejects):,} of {result.rows_in:,} rows "
                f"rejected ({fraction:.2%}, at most {params.max_reject_fraction:.2%}), "
                f"first {lines}"
            )
    return problems


def summarise(results: Sequence[Result]) -> dict[str, object]:
    """Counts for metrics.json; rows_in - rejected - rows_out rows were gathered into others."""
    rules = Counter(reject.rule for result in results for reject in result.rejects)
    return {
        "rows_in": sum(result.rows_in for result in results),
        "rows_out": sum(result.examples.num_rows for result in results),
        "rejected": sum(len(result.rejects) for result in results),
        "votes": sum(result.num_votes for result in results),
        "rows_in_by_source": {result.source: result.rows_in for result in results},
        "rows_out_by_source": {result.source: result.examples.num_rows for result in results},
        "rejected_by_source": {result.source: len(result.rejects) for result in results},
        "rejected_by_rule": dict(rules),
    }


if __name__ == "__main__":
    stage.run("aggregate", main)
