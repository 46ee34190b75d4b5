"""The gate's verdict as a page: the decision, what failed and why, then all that was looked at."""

from collections.abc import Sequence

from flows.pages.markdown import code, number, page, section
from tasks.verdict import Condition, Verdict

_HASH_CHARACTERS = 12
_COLUMNS = ("condition", "of", "found", "expected", "in words")
_MEANING = {
    "passed": "It may go live.",
    "refused": "It must not go live.",
    "undecided": "There are too few rows to say, so it must not go live.",
}


def verdict_page(verdict: Verdict) -> str:
    """Values come from models and data; `section` escapes its cells."""
    num_failed, num_all = len(verdict.failed), len(verdict.conditions)
    passed = [condition for condition in verdict.conditions if condition.passed]
    return page(
        f"**Candidate {verdict.decision}.** {_MEANING[verdict.decision]} "
        f"{num_all - num_failed} of {num_all} conditions hold, on {verdict.num_rows:,} test rows.",
        f"Candidate {_bundle(verdict.candidate)}, {_beside(verdict.champion)}.",
        section("Failed", _COLUMNS, _rows(verdict.failed)),
        section("Held", _COLUMNS, _rows(passed)),
    )


def _beside(champion: str | None) -> str:
    return "no champion yet" if champion is None else f"champion {_bundle(champion)}"


def _bundle(sha256: str) -> str:
    return code(sha256[:_HASH_CHARACTERS]) if sha256 else "without a manifest"


def _rows(conditions: Sequence[Condition]) -> list[tuple[str, ...]]:
    return [
        (
            condition.name,
            condition.where,
            _value(condition.value),
            condition.bound,
            condition.says,
        )
        for condition in conditions
    ]


def _value(value: float | str | None) -> str:
    """A count without decimals; 1 may be a share."""
    if value is None:
        return "not measured"
    is_count = isinstance(value, float) and value.is_integer() and abs(value) > 1
    return number(int(value) if is_count else value)
