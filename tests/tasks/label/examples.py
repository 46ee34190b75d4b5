"""Tiny tables and the shipped params, changed, for the tests of label and label_export."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

from tasks.params import parse_section
from tasks.records import CLEANED, LABELLED
from tasks.votes import LabelParams

SHIPPED = Path(__file__).parents[3] / "params.yaml"
ODD_CLASSES = ["NA", "None", "null", "1e5", "True"]


def shipped_section(name: str) -> dict[str, Any]:
    section: dict[str, Any] = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))[name]
    return section


def scale_params(**changes: object) -> LabelParams:
    return parse_section("label", shipped_section("label") | changes, LabelParams)


def category_params(classes: list[str], **changes: object) -> LabelParams:
    changes = {"classes": classes, "votes": {"rule": "majority"}, "ordered": False} | changes
    return parse_section("label", shipped_section("label") | changes, LabelParams)


def list_votes(*rows: list[str | None]) -> pa.ListArray:
    return pa.array(rows, pa.list_(pa.string()))


def make_examples(rows: list[dict[str, object]]) -> pa.Table:
    """A table as clean and validate leave it; each row names only what matters to the test."""
    filled = [
        {
            "example_id": f"id{number:04}",
            "text": f"text number {number}",
            "source": "web",
            "votes": [],
            "raters": None,
            "created_at": None,
            "origin": f"web.csv:{number}",
            "duplicate_ids": [],
            "group_id": f"id{number:04}",
        }
        | row
        for number, row in enumerate(rows)
    ]
    return pa.Table.from_pylist(filled, schema=CLEANED)


def make_labelled(rows: list[dict[str, object]]) -> pa.Table:
    """LABELLED rows; a row that names its agreement is labelled, any other is not."""
    labels = [
        {"label": "a" if "agreement" in row else None, "agreement": row.get("agreement")}
        for row in rows
    ]
    plain = [{key: row[key] for key in row if key != "agreement"} for row in rows]
    records = make_examples(plain).to_pylist()
    nothing = {"label_probs": None, "mean_vote": None}
    filled = [record | label | nothing for record, label in zip(records, labels, strict=True)]
    return pa.Table.from_pylist(filled, schema=LABELLED)


def known(text: str, votes: list[str]) -> dict[str, Any]:
    return {"text": text, "votes": votes}


def corrected(text: str, said: dict[str, str]) -> dict[str, Any]:
    return {
        "text": text, "votes": list(said.values()), "raters": list(said), "source": "feedback",
        "origin": f"feedback:{text}",
    }  # fmt: skip


def trusting(**changes: Any) -> Any:
    params = scale_params()
    return params.model_copy(update={"trust": params.trust.model_copy(update=changes)})


FREE = trusting(max_share_per_rater=1.0)
