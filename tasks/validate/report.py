"""What people and later programs read: quarantine table, report and log lines."""

import logging
from collections.abc import Sequence

import pandas as pd
import pyarrow as pa

from tasks.records import REJECTED
from tasks.validate.outcome import Outcome, describe_rule, judged_columns, shorten

QUARANTINED = pa.schema(
    [
        pa.field("example_id", pa.string(), True, {"meaning": "as in the input; null if missing"}),
        *(field.with_nullable(field.name in {"origin", "source", "content"}) for field in REJECTED),
    ]
)
_CONTENT_CHARACTERS = 500
_TEXT_CHARACTERS = 80
log = logging.getLogger(__name__)


def build_quarantine(outcomes: Sequence[Outcome]) -> pa.Table:
    """One row per failing example and rule, by rule and then in the order of the input."""
    parts = [
        _quarantine_rows(one)
        for one in outcomes
        if one.rule.severity == "quarantine" and len(one.rows)
    ]
    empty = pd.DataFrame({name: [] for name in QUARANTINED.names}, dtype=object)
    return pa.Table.from_pandas(
        pd.concat(parts or [empty]),
        schema=QUARANTINED,
        preserve_index=False,
    )


def build_report(
    outcomes: Sequence[Outcome], problems: Sequence[str], num_sample_rows: int
) -> dict[str, object]:
    """Every rule with its outcome, counts and sample rows; `problems` is why the stage fails."""
    return {
        "passed": not problems,
        "problems": list(problems),
        "rules": [
            {
                "name": one.rule.name,
                "table": one.rule.table,
                "expectation": one.rule.expectation,
                "arguments": {key: str(value) for key, value in one.rule.arguments.items()},
                "severity": one.rule.severity,
                "status": one.status,
                "num_checked": one.num_checked,
                "num_failed": one.num_failed,
                "observed": one.observed,
                "samples": sample_rows(one, num_sample_rows),
            }
            for one in outcomes
        ],
    }


def log_failures(outcomes: Sequence[Outcome], num_sample_rows: int) -> None:
    """All failures at once, each with its count and sample rows."""
    for one in outcomes:
        if one.status != "passed":
            log.info("%s: %s", one.rule.severity, one.sentence)
            for sample in sample_rows(one, num_sample_rows):
                log.info("  %s", ", ".join(f"{key}={value}" for key, value in sample.items()))


def sample_rows(outcome: Outcome, num_sample_rows: int) -> list[dict[str, str]]:
    """The first failing rows, each with the judged values and what tells where it came from."""
    shown = [
        *judged_columns(outcome.rule),
        "example_id",
        "origin",
        "text",
        *outcome.rows.columns[:2],
    ]
    columns = [name for name in dict.fromkeys(shown) if name in outcome.rows.columns]
    rows = outcome.rows[columns].head(num_sample_rows).to_dict(orient="records")
    return [{key: shorten(str(row[key]), _TEXT_CHARACTERS) for key in columns} for row in rows]


def _quarantine_rows(outcome: Outcome) -> pd.DataFrame:
    rows = outcome.rows
    found = pd.Series("", index=rows.index)
    for column in judged_columns(outcome.rule):
        values = rows[column].astype(str).str.slice(0, _TEXT_CHARACTERS)
        found = found + f"{column} = " + values + ", "
    return pd.DataFrame(
        {
            "example_id": rows["example_id"],
            "origin": rows["origin"],
            "source": rows["source"],
            "rule": outcome.rule.name,
            "reason": found + f"expected {describe_rule(outcome.rule)}",
            "content": rows["text"].str.slice(0, _CONTENT_CHARACTERS),
        }
    )
