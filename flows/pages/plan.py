"""A plan in the UI: the options worth a look as rows, and a device's memory with its formulas."""

from collections.abc import Mapping, Sequence
from typing import Any

from flows.pages.markdown import escaped, number, page, section

_COLUMNS = ("rank_by_cost", "rank_by_time", "devices", "where", "strategy", "gigabytes",
            "largest_batch", "minutes", "dollars", "fits")  # fmt: skip
_MOST_ROWS = 100
_BYTES_PER_GIGABYTE, _SECONDS_PER_MINUTE = 1e9, 60


def options_table(plan: Mapping[str, Any]) -> list[dict[str, str]]:
    """One row per option in the order of the plan, those that fit first."""
    return [_row(option) for option in plan["options"][:_MOST_ROWS]]


def formulas_page(plan: Mapping[str, Any]) -> str:
    explained = plan["explained"]
    return page(
        f"{number(plan['parameters'])} parameters: {escaped(explained['option'])}",
        section("Memory of one device", ("what", "formula", "GB"), _lines(explained["memory"])),
        section("By the literature", ("what", "formula", "GB"), _lines(explained["literature"])),
    )


def _row(option: Mapping[str, Any]) -> dict[str, str]:
    values = {
        **option,
        "gigabytes": option["bytes_per_device"] / _BYTES_PER_GIGABYTE,
        "minutes": option["seconds"] and option["seconds"] / _SECONDS_PER_MINUTE,
    }
    return {column.replace("_", " "): _cell(values[column]) for column in _COLUMNS}


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:,.2f}" if isinstance(value, float) else number(value)


def _lines(terms: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    return [
        (term["name"], term["formula"], f"{term['num_bytes'] / _BYTES_PER_GIGABYTE:.3g}")
        for term in terms
    ]
