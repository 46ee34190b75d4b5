"""Params section `validate`: which facts are checked, and what a failure does."""

from collections import Counter
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from tasks.params import Params

TableName = Literal["columns", "examples", "sources", "classes"]
Severity = Literal["quarantine", "stop", "warn"]


class Rule(Params):
    """One expectation of Great Expectations on one table of facts (see `facts.py`).

    quarantine: failing rows of `examples` leave with the rule's name, the rest goes on.
    stop: the stage fails. warn: log and report only. Rules that quarantine see every row; all
    others see what is left.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    table: TableName
    expectation: str  # class name in great_expectations.expectations
    arguments: dict[str, Any]  # of that class
    severity: Severity

    @model_validator(mode="after")
    def _only_rows_can_leave(self) -> Self:
        if self.severity != "quarantine":
            return self
        if self.table != "examples":
            raise ValueError(
                f"rule '{self.name}': only rows of 'examples' can be quarantined, not of "
                f"'{self.table}'; use severity stop or warn"
            )
        if "mostly" in self.arguments:
            raise ValueError(
                f"rule '{self.name}': 'mostly' would keep failing rows; leave it out and set "
                "max_quarantine_fraction"
            )
        return self


class ValidateParams(Params):
    max_quarantine_fraction: Annotated[float, Field(ge=0, le=1)]
    num_sample_rows: Annotated[int, Field(ge=0)]
    rules: Annotated[list[Rule], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        twice = [name for name, times in Counter(r.name for r in self.rules).items() if times > 1]
        if twice:
            raise ValueError(f"rule names must differ, found {twice} more than once")
        return self
