"""What a validation stage refused: each broken rule, and rows that broke it."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from flows.pages.markdown import code, escaped, page, section

_MOST_ROWS = 20
_ABOUT_THE_ROW = ("example_id", "origin", "text")


def validation_page(report: Mapping[str, Any], place: Path) -> str:
    """The page of a `report.json`; empty when every rule passed."""
    broken = [rule for rule in report["rules"] if rule["status"] != "passed"]
    if not broken:
        return ""
    closed = bool(report["problems"])
    effect = "Nothing went on from here." if closed else "Those rows were set aside."
    everything = f"All of it: {code(str(place))}"
    docs = place.parent / "data_docs/index.html"
    return page(
        f"**{len(broken)} of {len(report['rules'])} rules failed.** {effect}",
        "\n".join(f"- {escaped(problem)}" for problem in report["problems"][:_MOST_ROWS]),
        section("Broken rules", ("rule", "rows", "then", "expected", "found"), _rules(broken)),
        section("Rows that broke them", ("rule", "found", "from", "text"), list(_samples(broken))),
        f"{everything}, {code(str(docs))}" if docs.is_file() else everything,
    )


def _rules(broken: Sequence[Mapping[str, Any]]) -> list[tuple[object, ...]]:
    return [
        (
            rule["name"],
            f"{rule['num_failed']:,} of {rule['num_checked']:,}",
            rule["severity"] if rule["status"] == "failed" else rule["status"],
            f"{rule['expectation']}({_pairs(rule['arguments'])})",
            rule["observed"],
        )
        for rule in broken
    ]


def _samples(broken: Sequence[Mapping[str, Any]]) -> Iterator[tuple[object, ...]]:
    """Up to 20 rows in all, as evenly over the rules as they allow."""
    share = max(1, _MOST_ROWS // len(broken))
    chosen = [(rule, sample) for rule in broken for sample in rule["samples"][:share]]
    for rule, sample in chosen[:_MOST_ROWS]:
        judged = {key: value for key, value in sample.items() if key not in _ABOUT_THE_ROW}
        origin = sample.get("origin") or sample.get("example_id", "")
        yield rule["name"], _pairs(judged), origin, sample.get("text", "")


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={value}" for key, value in values.items())
