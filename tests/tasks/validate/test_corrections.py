"""Corrections count for no bound that is of files."""

from types import ModuleType
from typing import Any

import pyarrow as pa

from tests.tasks.validate.examples import NUM_ROWS, category_labels, make_rows, make_table
from tests.tasks.validate.test_rules import failed_rules, judge


def correction(number: int, votes: list[str]) -> dict[str, Any]:
    return make_rows()[0] | {
        "example_id": f"new{number}", "source": "feedback", "origin": f"feedback:{number}",
        "votes": votes, "raters": [f"r_{n}" for n in range(len(votes))], "group_id": "new0",
    }  # fmt: skip


def test_a_flood_of_corrections_breaks_no_bound_that_is_of_files(gate: ModuleType) -> None:
    """One label, one template, a vote each, by one person, and as many as all files have."""
    flood = [correction(number, ["2"]) for number in range(NUM_ROWS)]
    table = pa.Table.from_pylist([*make_rows(), *flood], make_table().schema)
    verdict = judge(gate, table)
    assert failed_rules(verdict) == {}
    assert {one.status for one in verdict.outcomes} == {"passed"}
    assert len(verdict.kept) == 2 * NUM_ROWS


def test_a_class_that_is_no_more_stops_no_night_for_those_who_once_chose_it(
    gate: ModuleType,
) -> None:
    files = [row | {"votes": ["ab"[n % 2]] * 12} for n, row in enumerate(make_rows())]
    files[0]["votes"] = ["a"] * 11 + ["gone"]
    corrections = [correction(n, ["gone", "a"] if n % 2 else ["gone"]) for n in range(NUM_ROWS)]
    table = pa.Table.from_pylist([*files, *corrections], make_table().schema)
    verdict = judge(gate, table, category_labels(["a", "b"]), max_quarantine_fraction=0.02)
    assert failed_rules(verdict) == {"votes_within_rules": 1}
    assert (verdict.problems, verdict.kept) == ([], table.slice(1))


def test_a_correction_off_the_scale_is_told_since_params_made_it(gate: ModuleType) -> None:
    rows = [*make_rows(), correction(0, ["positive"]), correction(1, ["2"])]
    verdict = judge(gate, pa.Table.from_pylist(rows, make_table().schema))
    assert failed_rules(verdict) == {"votes_within_rules": 1}
    assert verdict.kept["example_id"].to_pylist()[NUM_ROWS:] == ["new1"]
