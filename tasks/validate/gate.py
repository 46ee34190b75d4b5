"""The verdict: rules that quarantine judge all rows, all other rules judge what is left."""

import logging
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd
import pyarrow as pa

from tasks.records import CLEANED
from tasks.validate import facts
from tasks.validate.check import Checked, check_table, open_context
from tasks.validate.outcome import Outcome
from tasks.validate.params import Rule, ValidateParams
from tasks.validate.suite import build_suite
from tasks.votes import LabelParams

ROWS = "rows"  # suite of the rules that quarantine; the other suites are named after their table
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """The rules in suites, built and checked before any data is read."""

    params: ValidateParams
    suites: dict[str, tuple[Any, list[Rule]]]


@dataclass(frozen=True)
class Verdict:
    params: ValidateParams
    checked: list[Checked]
    num_rows: int
    kept: pa.Table  # the examples that broke no rule that quarantines
    columns_fit: bool

    @cached_property
    def outcomes(self) -> list[Outcome]:
        """In the order of the params; rules that could not run on unfit columns say so."""
        done = {one.rule.name: one for checked in self.checked for one in checked.outcomes}
        empty = pd.DataFrame()
        return [
            done.get(rule.name, Outcome(rule, "not run", 0, 0, "columns do not fit", empty))
            for rule in self.params.rules
        ]

    @property
    def num_quarantined(self) -> int:
        return self.num_rows - len(self.kept)

    @cached_property
    def problems(self) -> list[str]:
        """Why the stage fails, worst first; empty: it passes."""
        stopped = sorted(
            (one for one in self.outcomes if one.stops and one.status != "not run"),
            key=lambda one: (one.status != "error", -one.num_failed),
        )
        sentences = [one.sentence for one in stopped]
        if not self.columns_fit:
            return sentences or [f"columns do not fit: expected {', '.join(CLEANED.names)}"]
        bound = self.params.max_quarantine_fraction
        if self.num_quarantined > bound * self.num_rows:
            sentences.insert(0, self._too_many(bound))
        sentences += [
            f"column {field.name} of the kept rows has {self.kept[field.name].null_count:,} nulls; "
            "keep the rule on num_missing"
            for field in CLEANED
            if not field.nullable and self.kept[field.name].null_count
        ]
        if not len(self.kept):  # most expectations pass on no rows at all
            sentences.insert(0, f"no rows left of {self.num_rows:,}")
        return sentences

    def _too_many(self, bound: float) -> str:
        share = self.num_quarantined / self.num_rows
        broken = (one for one in self.outcomes if one.rule.severity == "quarantine")
        worst = sorted(broken, key=lambda one: -one.num_failed)
        counts = ", ".join(f"{one.rule.name} {one.num_failed:,}" for one in worst if len(one.rows))
        return (
            f"{self.num_quarantined:,} of {self.num_rows:,} rows quarantined ({share:.2%}), above "
            f"max_quarantine_fraction {bound:.2%}: {counts}"
        )

    @property
    def metrics(self) -> dict[str, int]:
        statuses = [one.status for one in self.outcomes]
        return {
            "rows_in": self.num_rows,
            "rows_out": len(self.kept),
            "rejected": self.num_quarantined,
            "rules": len(statuses),
            "rules_failed": len(statuses) - statuses.count("passed"),
        }


def plan(params: ValidateParams) -> Plan:
    """Sort the rules into suites; ParamsError for a rule Great Expectations would not take."""
    groups: dict[str, list[Rule]] = {}
    for rule in params.rules:
        name = ROWS if rule.severity == "quarantine" else rule.table
        groups.setdefault(name, []).append(rule)
    suites = {name: (build_suite(name, rules), rules) for name, rules in groups.items()}
    return Plan(params, suites)


def judge(table: pa.Table, plan: Plan, labels: LabelParams) -> Verdict:
    """Check columns, then rows, then what is left of the table, its sources and its classes."""
    context = open_context()

    def check(name: str, frame: pd.DataFrame) -> list[Checked]:
        if name not in plan.suites:
            return []
        suite, rules = plan.suites[name]
        log.info("%d rules on %s, %s rows", len(rules), name, f"{len(frame):,}")
        return [check_table(context, suite, rules, frame, plan.params.num_sample_rows)]

    checked = check("columns", facts.describe_columns(table.schema))
    if [(f.name, f.type) for f in table.schema] != [(f.name, f.type) for f in CLEANED]:
        return Verdict(plan.params, checked, table.num_rows, table, columns_fit=False)
    examples = facts.describe_examples(table, labels)
    checked += check(ROWS, examples)
    good = _rows_that_passed(checked, len(examples))
    if not good.all():
        table, examples = table.filter(pa.array(good)), examples[good].reset_index(drop=True)
    checked += check("examples", examples)
    checked += check("sources", facts.describe_sources(examples))
    checked += check("classes", facts.describe_classes(examples, labels.classes))
    return Verdict(plan.params, checked, len(good), table, columns_fit=True)


def _rows_that_passed(checked: list[Checked], num_rows: int) -> pd.Series:
    good = pd.Series(True, index=range(num_rows))
    for one in (outcome for part in checked for outcome in part.outcomes):
        if one.rule.severity == "quarantine":
            good[one.rows.index] = False
    return good
