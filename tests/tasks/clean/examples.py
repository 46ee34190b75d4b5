"""Tables of AGGREGATED rows in a line, and the shipped params."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from tasks import records
from tasks.clean.params import CleanParams
from tasks.params import load_params

PARAMS = load_params("clean", CleanParams, Path(__file__).parents[3] / "params.yaml")


def aggregated(
    texts: Sequence[str],
    votes: Sequence[list[str]] | None = None,
    raters: Sequence[list[str] | None] | None = None,
) -> pa.Table:
    """One row per text; ids are 'id00', 'id01', ... in their order."""
    rows = [
        {
            "example_id": f"id{number:02}",
            "text": text,
            "source": "shop",
            "votes": votes[number] if votes else ["1"],
            "raters": raters[number] if raters else None,
            "created_at": None,
            "origin": f"shop.csv:{number + 1}",
        }
        for number, text in enumerate(texts)
    ]
    return pa.Table.from_pylist(rows, records.AGGREGATED)
