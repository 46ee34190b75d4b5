"""A small table that passes the shipped rules, and the shipped params shrunk to its size."""

import copy
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

from tasks.params import parse_section
from tasks.records import CLEANED
from tasks.validate.params import ValidateParams
from tasks.votes import LabelParams

SHIPPED = Path(__file__).parents[3] / "params.yaml"
SOURCES = ["tweets", "movies", "products", "editorials"]
NUM_ROWS = 40
_VOTES = [["-3"] * 12, ["0"] * 12, ["2"] * 12, ["-0.5", "0.5"] * 6]


def make_rows() -> list[dict[str, Any]]:
    """40 rows, 10 per source, every class at least a quarter."""
    return [
        {
            "example_id": f"id{number:02}",
            "text": f"text number {number}",
            "source": SOURCES[number % 4],
            "votes": _VOTES[number // 4 % 4],
            "raters": None,
            "created_at": None,
            "origin": f"{SOURCES[number % 4]}.csv:{number}",
            "duplicate_ids": [],
            "group_id": f"id{number:02}",
        }
        for number in range(NUM_ROWS)
    ]


def make_table(*changes: dict[str, Any]) -> pa.Table:
    """The good rows, the first of them changed; nulls are possible, as in a spoilt input."""
    rows = make_rows()
    for row, change in zip(rows, changes, strict=False):
        row.update(change)
    return pa.Table.from_pylist(rows, schema=pa.schema([f.with_nullable(True) for f in CLEANED]))


def shrunk_params(**changes: Any) -> dict[str, Any]:
    """The shipped sections `validate` and `label`, with bounds for 40 rows."""
    tree = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    section = copy.deepcopy(tree["validate"])
    for rule in section["rules"]:
        if rule["name"] in {"row_count", "rows_per_source"}:
            rule["arguments"]["min_value"] = 5
    section["max_quarantine_fraction"] = 0.2
    return {"validate": section | changes, "label": tree["label"]}


def parse_validate(section: dict[str, Any]) -> ValidateParams:
    return parse_section("validate", section, ValidateParams)


def parse_labels(tree: dict[str, Any] | None = None) -> LabelParams:
    return parse_section("label", (tree or shrunk_params())["label"], LabelParams)


def category_labels(classes: list[str]) -> LabelParams:
    section = shrunk_params()["label"] | {"classes": classes, "votes": {"rule": "majority"}}
    return parse_section("label", section | {"ordered": False}, LabelParams)


def rule(
    expectation: str, severity: str = "stop", table: str = "examples", **arguments: Any
) -> Any:
    return {
        "name": "tried",
        "table": table,
        "expectation": expectation,
        "arguments": arguments,
        "severity": severity,
    }
