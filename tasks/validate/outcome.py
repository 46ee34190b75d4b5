"""What came of one rule on one table."""

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from tasks.validate.params import Rule

Status = Literal["passed", "failed", "error", "not run"]
_SHOWN_CHARACTERS = 200


@dataclass(frozen=True)
class Outcome:
    rule: Rule
    status: Status
    num_checked: int  # rows of the table
    num_failed: int  # rows that break the rule; for a rule on the whole table 1 or 0
    observed: str  # what was found, for rules on the whole table; the message of an error
    rows: pd.DataFrame  # the failing rows with all facts; empty for rules on the whole table

    @property
    def stops(self) -> bool:
        """An error inside an expectation closes the gate, whatever the rule's severity."""
        broken = self.status in {"error", "not run"}
        return broken or (self.status == "failed" and self.rule.severity == "stop")

    @property
    def sentence(self) -> str:
        """One line: rule, expectation, arguments, how many rows failed or what was found."""
        found = f"; found {self.observed}" if self.observed else ""
        rows = (
            f"{self.num_failed:,} of {self.num_checked:,} rows" if len(self.rows) else self.status
        )
        return f"{self.rule.name} ({self.rule.table}): {rows}: {describe_rule(self.rule)}{found}"


def describe_rule(rule: Rule) -> str:
    arguments = ", ".join(f"{key}={shorten(str(value))}" for key, value in rule.arguments.items())
    return f"{rule.expectation}({arguments})"


def judged_columns(rule: Rule) -> list[str]:
    """Columns whose values a rule looks at, as named in its arguments."""
    named = [
        rule.arguments[key] for key in ("column", "column_A", "column_B") if key in rule.arguments
    ]
    return [*named, *rule.arguments.get("column_list", [])]


def shorten(text: str, num_characters: int = _SHOWN_CHARACTERS) -> str:
    return text if len(text) <= num_characters else f"{text[: num_characters - 3]}..."
