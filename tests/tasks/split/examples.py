"""LABELLED rows in a line, and the shipped params."""

from pathlib import Path

import pyarrow as pa

from tasks import records
from tasks.params import load_params
from tasks.split.params import SplitParams

PARAMS = load_params("split", SplitParams, Path(__file__).parents[3] / "params.yaml")
Row = tuple[str, str, str | None]  # text, group_id, label


def labelled(rows: list[Row], corrected: frozenset[int] = frozenset()) -> pa.Table:
    """One LABELLED row each; ids are 'id0', 'id1', ... in their order, some rows corrections."""
    return pa.Table.from_pylist(
        [
            {
                "example_id": f"id{number}",
                "text": text,
                "source": "shop",
                "votes": [],
                "raters": None,
                "created_at": None,
                "origin": "feedback:1" if number in corrected else "shop.csv:1",
                "duplicate_ids": [],
                "group_id": group_id,
                "label": label,
                "label_probs": None,
                "agreement": None,
                "mean_vote": None,
            }
            for number, (text, group_id, label) in enumerate(rows)
        ],
        records.LABELLED,
    )


def ordinary(number: int = 200) -> list[Row]:
    """Rows of two classes, each in a group of its own: every part gets some of both."""
    return [(f"text {at}", f"group {at}", "good" if at % 2 else "bad") for at in range(number)]
