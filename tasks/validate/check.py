"""Runs suites on tables of facts; whatever goes wrong inside an expectation counts as an error."""

from dataclasses import dataclass
from typing import Any

import great_expectations as gx
import numpy as np
import pandas as pd
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.validator.v1_validator import Validator

from tasks.validate.outcome import Outcome, judged_columns, shorten
from tasks.validate.params import Rule
from tasks.validate.suite import is_row_level


@dataclass(frozen=True)
class Checked:
    """One suite on one table: an outcome per rule, and what Great Expectations' pages show."""

    suite: Any
    result: Any  # ExpectationSuiteValidationResult; None when the run itself raised
    outcomes: list[Outcome]


def open_context() -> Any:
    """A Great Expectations context in memory: no files, no progress bars, no usage statistics."""
    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        progress_bars=ProgressBarsConfig(globally=False, metric_calculations=False),
        analytics_enabled=False,
    )
    return gx.get_context(mode="ephemeral", project_config=config)


def check_table(
    context: Any, suite: Any, rules: list[Rule], frame: pd.DataFrame, num_sample_rows: int
) -> Checked:
    """Run a suite on a table; every rule gets an outcome, in the order of the rules."""
    source = context.data_sources.add_pandas(suite.name)
    batches = source.add_dataframe_asset(suite.name).add_batch_definition_whole_dataframe("all")
    summary = {"result_format": "SUMMARY", "partial_unexpected_count": num_sample_rows}
    # `batch.validate` would build, and hash, the whole batch anew for every call
    validator = Validator(
        batches, result_format=summary, batch_parameters={"dataframe": _narrow(frame, rules)}
    )
    try:
        result = validator.validate_expectation_suite(suite)
    except Exception as error:  # whatever it is, the gate must close and name every rule
        return Checked(suite, None, [_error(rule, frame, repr(error)) for rule in rules])
    found = {one.expectation_config.meta["rule"]: one for one in result.results}
    outcomes = [_judge(rule, found.get(rule.name), validator, frame) for rule in rules]
    order = {rule.name: place for place, rule in enumerate(rules)}
    result.results.sort(key=lambda one: order[one.expectation_config.meta["rule"]])
    return Checked(suite, result, outcomes)


def _narrow(frame: pd.DataFrame, rules: list[Rule]) -> pd.DataFrame:
    """The columns the rules look at: Great Expectations hashes every value of what it is given."""
    for rule in rules:
        if "row_condition" in rule.arguments or rule.expectation.startswith("ExpectTableColumn"):
            return frame
    judged = {name for rule in rules for name in judged_columns(rule)}
    return frame[[name for name in frame.columns if name in judged] or [frame.columns[0]]]


def _judge(rule: Rule, result: Any, validator: Any, frame: pd.DataFrame) -> Outcome:
    if result is None:
        return _error(rule, frame, "Great Expectations gave no result for it")
    message = _exception_in(result)
    if message:
        return _error(rule, frame, message)
    if result.success is True:
        return Outcome(rule, "passed", len(frame), 0, _observed(result), frame.iloc[:0])
    if not is_row_level(rule):
        return Outcome(rule, "failed", len(frame), 1, _observed(result), frame.iloc[:0])
    rows = _failing_rows(result, validator, frame)
    if rule.severity == "quarantine" and rows.empty:
        return _error(rule, frame, "it failed without naming rows; use severity stop or warn")
    return Outcome(rule, "failed", len(frame), max(len(rows), 1), _observed(result), rows)


def _failing_rows(result: Any, validator: Any, frame: pd.DataFrame) -> pd.DataFrame:
    """Asked only of rules that failed: naming every failing row is what costs time."""
    validator.result_format = {
        "result_format": "COMPLETE",
        "partial_unexpected_count": 0,
        "exclude_unexpected_values": True,
    }
    again = validator.validate_expectation(result.expectation_config.to_domain_obj())
    places = again.result.get("unexpected_index_list") or []
    return frame.loc[np.sort(np.asarray(places, dtype=np.int64))]


def _observed(result: Any) -> str:
    value = result.to_json_dict()["result"].get("observed_value")
    return "" if value is None else shorten(str(value))


def _exception_in(result: Any) -> str:
    """The message of an exception inside the expectation, else empty.

    Great Expectations writes it flat, or per metric that failed.
    """
    info = result.exception_info or {}
    for entry in [info, *(value for value in info.values() if isinstance(value, dict))]:
        if entry.get("raised_exception"):
            return str(entry.get("exception_message") or "an exception without message")
    return ""


def _error(rule: Rule, frame: pd.DataFrame, message: str) -> Outcome:
    return Outcome(rule, "error", len(frame), 0, shorten(" ".join(message.split())), frame.iloc[:0])
