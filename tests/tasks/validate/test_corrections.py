"""Corrections count for no bound that is of files."""

from types import ModuleType

import pyarrow as pa

from tests.tasks.validate.examples import NUM_ROWS, make_rows, make_table
from tests.tasks.validate.test_rules import failed_rules, judge


def test_a_flood_of_corrections_breaks_no_bound_that_is_of_files(gate: ModuleType) -> None:
    """One label, one template, a vote each, by one person, and as many as all files have."""
    flood = [
        make_rows()[0]
        | {"example_id": f"new{number}", "source": "feedback", "origin": f"feedback:{number}",
           "votes": ["2"], "raters": ["r_1"], "group_id": "new0"}
        for number in range(NUM_ROWS)
    ]  # fmt: skip
    table = pa.Table.from_pylist([*make_rows(), *flood], make_table().schema)
    verdict = judge(gate, table)
    assert failed_rules(verdict) == {}
    assert {one.status for one in verdict.outcomes} == {"passed"}
    assert len(verdict.kept) == 2 * NUM_ROWS
