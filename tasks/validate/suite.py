"""From rules to Great Expectations' suites; everything wrong in a rule is a params error."""

import difflib
from typing import Any

from great_expectations import ExpectationSuite, expectations
from great_expectations.expectations.expectation import (
    ColumnMapExpectation,
    ColumnPairMapExpectation,
    MulticolumnMapExpectation,
)

from tasks.errors import ParamsError
from tasks.params import PARAMS_FILE
from tasks.validate.facts import FACTS
from tasks.validate.params import Rule

_ROW_LEVEL = (ColumnMapExpectation, ColumnPairMapExpectation, MulticolumnMapExpectation)
_OURS = {"batch_id", "catch_exceptions", "id", "meta", "notes", "result_format", "severity"}
_SEVERITY_IN_GX = {"quarantine": "warning", "stop": "critical", "warn": "info"}


def build_suite(name: str, rules: list[Rule]) -> Any:
    """An ExpectationSuite with one expectation per rule; `meta["rule"]` carries its name.

    Raises ParamsError for an unknown expectation, column or argument, or a wrong value.
    """
    return ExpectationSuite(name=name, expectations=[_build_expectation(rule) for rule in rules])


def is_row_level(rule: Rule) -> bool:
    """Whether the rule judges each row, so that failing rows can be named."""
    return issubclass(_find_class(rule), _ROW_LEVEL)


def _build_expectation(rule: Rule) -> Any:
    kind = _find_class(rule)
    _check_arguments(rule)
    if rule.severity == "quarantine" and not is_row_level(rule):
        raise _wrong(
            rule, f"{rule.expectation} judges the table, so it names no rows; use stop or warn"
        )
    try:
        return kind(
            **rule.arguments,
            severity=_SEVERITY_IN_GX[rule.severity],
            meta={"rule": rule.name},
            notes=f"rule {rule.name}: {rule.severity}",
        )
    except (ValueError, TypeError) as error:  # pydantic's ValidationError is a ValueError
        raise _wrong(rule, f"{rule.expectation}: {'; '.join(str(error).split(chr(10)))}") from None


def _find_class(rule: Rule) -> Any:
    known = [name for name in dir(expectations) if name.startswith("Expect") and "To" in name]
    if rule.expectation not in known:
        close = difflib.get_close_matches(rule.expectation, known, n=3, cutoff=0.0)
        raise _wrong(
            rule,
            f"unknown expectation '{rule.expectation}'; "
            f"Great Expectations has, among {len(known)}, {', '.join(close)}",
        )
    return getattr(expectations, rule.expectation)


def _check_arguments(rule: Rule) -> None:
    reserved = sorted(_OURS & rule.arguments.keys())
    if reserved:
        raise _wrong(rule, f"arguments {reserved} are set by the stage; leave them out")
    named = [
        rule.arguments[key] for key in ("column", "column_A", "column_B") if key in rule.arguments
    ]
    listed = rule.arguments.get("column_list", [])
    columns = FACTS[rule.table]
    for column in [*named, *(listed if isinstance(listed, list) else [listed])]:
        if column not in columns:
            raise _wrong(
                rule,
                f"table '{rule.table}' has no column {column!r}; it has {', '.join(columns)}",
            )


def _wrong(rule: Rule, problem: str) -> ParamsError:
    return ParamsError(
        f"{PARAMS_FILE}: validate.rules '{rule.name}': {' '.join(problem.split())}. "
        f"Edit {PARAMS_FILE} and run again."
    )
