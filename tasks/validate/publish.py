"""Writes and tells a verdict: quarantine, report, Data Docs, log, and the line of a failure."""

import logging
from pathlib import Path

from tasks.artifacts import write_json
from tasks.records import write_table
from tasks.validate.docs import write_docs
from tasks.validate.gate import Verdict
from tasks.validate.report import QUARANTINED, build_quarantine, build_report, log_failures

_NUM_WORST = 3
log = logging.getLogger(__name__)


def log_verdict(verdict: Verdict) -> None:
    log_failures(verdict.outcomes, verdict.params.num_sample_rows)
    log.info(
        "%s of %s rows kept, %s quarantined; %d of %d rules passed",
        f"{verdict.kept.num_rows:,}",
        f"{verdict.num_rows:,}",
        f"{verdict.num_quarantined:,}",
        sum(one.status == "passed" for one in verdict.outcomes),
        len(verdict.outcomes),
    )


def write_evidence(folder: Path, verdict: Verdict) -> None:
    """quarantine.parquet, report.json and data_docs/, whether the stage passes or fails."""
    write_table(folder / "quarantine.parquet", build_quarantine(verdict.outcomes), QUARANTINED)
    report = build_report(verdict.outcomes, verdict.problems, verdict.params.num_sample_rows)
    write_json(folder / "report.json", report)
    write_docs(folder / "data_docs", verdict)


def explain(verdict: Verdict, failed: Path) -> str:
    """The one line a failed stage ends with: how many rules, the worst, where all of them are."""
    num_failed = sum(one.status != "passed" for one in verdict.outcomes)
    worst = " | ".join(verdict.problems[:_NUM_WORST])
    more = len(verdict.problems) - _NUM_WORST
    return (
        f"{num_failed} of {len(verdict.outcomes)} rules failed: {worst}"
        f"{f' | and {more} more' if more > 0 else ''}. "
        f"All of them with sample rows: {failed}/report.json, {failed}/data_docs/index.html. "
        "Mend the data, or the bounds in params section 'validate', and run again."
    )
