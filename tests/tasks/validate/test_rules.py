"""Rules on the real Great Expectations: what passes, what fails, and what closes the gate."""

import datetime
from types import ModuleType
from typing import Any

import pyarrow as pa
import pytest

from tasks.validate.facts import FACTS
from tests.tasks.validate.examples import (
    NUM_ROWS,
    category_labels,
    make_table,
    parse_labels,
    parse_validate,
    rule,
    shrunk_params,
)


def judge(gate: ModuleType, table: pa.Table, labels: Any = None, **changes: Any) -> Any:
    params = parse_validate(shrunk_params(**changes)["validate"])
    return gate.judge(table, gate.plan(params), labels or parse_labels())


def failed_rules(verdict: Any) -> dict[str, int]:
    return {one.rule.name: one.num_failed for one in verdict.outcomes if one.status == "failed"}


def test_the_good_table_passes_every_shipped_rule(gate: ModuleType) -> None:
    verdict = judge(gate, make_table())
    assert {one.status for one in verdict.outcomes} == {"passed"}
    assert (verdict.problems, len(verdict.kept)) == ([], NUM_ROWS)


UTC = datetime.UTC
BAD_ROWS: list[tuple[dict[str, Any], set[str]]] = [
    ({"example_id": None}, {"id_present", "nothing_missing"}),
    ({"text": None}, {"text_present", "nothing_missing"}),
    ({"source": None}, {"source_present", "nothing_missing"}),
    ({"group_id": None}, {"nothing_missing"}),
    ({"text": ""}, {"text_length"}),
    ({"text": "x" * 5001}, {"text_length"}),
    ({"source": "weblog"}, {"known_source"}),
    ({"votes": ["-5"] * 12}, {"lowest_vote", "votes_within_rules"}),
    ({"votes": ["1"] * 11 + ["4.5"]}, {"highest_vote", "votes_within_rules"}),
    ({"votes": ["1"] * 11 + ["good"]}, {"votes_within_rules"}),
    ({"votes": ["1"] * 9}, {"enough_votes"}),
    ({"votes": ["1"] * 10, "raters": ["ann"] * 9}, {"rater_per_vote"}),
    ({"created_at": datetime.datetime(1970, 1, 1, tzinfo=UTC)}, {"plausible_date"}),
    ({"created_at": datetime.datetime(2262, 4, 12, tzinfo=UTC)}, {"plausible_date"}),
]


def test_each_kind_of_bad_row_leaves_with_its_rules_and_the_rest_goes_on(gate: ModuleType) -> None:
    table = make_table(*(row for row, _ in BAD_ROWS))
    verdict = judge(gate, table, max_quarantine_fraction=0.5)
    blamed: dict[int, set[str]] = {place: set() for place in range(len(BAD_ROWS))}
    for one in verdict.outcomes:
        for place in one.rows.index:
            blamed[place].add(one.rule.name)
    assert blamed == {place: rules for place, (_, rules) in enumerate(BAD_ROWS)}
    assert verdict.kept.equals(table.slice(len(BAD_ROWS)))
    assert verdict.problems == []


def test_rows_without_votes_are_unlabelled_and_welcome(gate: ModuleType) -> None:
    table = make_table({"votes": []}, {"votes": []})
    assert judge(gate, table).kept.equals(table)


def test_good_dates_pass(gate: ModuleType) -> None:
    table = make_table({"created_at": datetime.datetime(2014, 6, 1, tzinfo=UTC)})
    assert failed_rules(judge(gate, table)) == {}


def test_a_vote_outside_the_classes_is_quarantined(gate: ModuleType) -> None:
    table = make_table({"votes": ["spam"] * 11 + ["ham"]}, {"votes": ["spam"] * 11 + ["hum"]})
    table = table.slice(0, 2)
    only = [
        one
        for one in shrunk_params()["validate"]["rules"]
        if one["name"] in {"votes_within_rules", "highest_vote"}
    ]
    labels = category_labels(["ham", "spam"])
    verdict = judge(gate, table, labels, rules=only, max_quarantine_fraction=0.5)
    assert verdict.kept["example_id"].to_pylist() == ["id00"]


@pytest.mark.parametrize(
    ("spoil", "name"),
    [
        (lambda t: t.slice(0, 4), "row_count"),
        (lambda t: pa.concat_tables([t, t.slice(0, 1)]), "id_unique"),
        (lambda t: t.filter(pa.compute.not_equal(t["source"], "movies")), "sources_complete"),
        (lambda t: t.slice(0, 19), "rows_per_source"),
    ],
)
def test_a_table_out_of_bounds_stops_the_stage(gate: ModuleType, spoil: Any, name: str) -> None:
    verdict = judge(gate, spoil(make_table()))
    assert name in failed_rules(verdict)
    assert any(problem.startswith(name) for problem in verdict.problems)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"votes": []}, "labelled_share"),
        ({"votes": ["3"] * 12}, "class_share"),
        ({"duplicate_ids": ["other"]}, "duplicate_share"),
        ({"group_id": "id39"}, "near_duplicate_share"),
    ],
)
def test_shares_out_of_bounds_stop_the_stage(gate: ModuleType, change: Any, name: str) -> None:
    verdict = judge(gate, make_table(*[change] * 35))
    assert name in failed_rules(verdict)
    assert any(problem.startswith(name) for problem in verdict.problems)


def test_a_warning_stops_nothing(gate: ModuleType) -> None:
    table = make_table(*[{"source": "tweets"}] * 26)
    rules = shrunk_params()["validate"]["rules"]
    warn = [one for one in rules if one["severity"] == "warn"]
    verdict = judge(gate, table, rules=warn)
    assert (failed_rules(verdict), verdict.problems) == ({"source_balance": 1}, [])


def test_too_many_quarantined_rows_stop_the_stage(gate: ModuleType) -> None:
    table = make_table({"text": ""}, {"text": ""})
    assert judge(gate, table, max_quarantine_fraction=0.05).problems == []
    problems = judge(gate, table, max_quarantine_fraction=0.04).problems
    assert problems == [
        "2 of 40 rows quarantined (5.00%), above max_quarantine_fraction 4.00%: text_length 2",
    ]


def test_the_empty_table_never_passes(gate: ModuleType) -> None:
    assert "row_count" in failed_rules(judge(gate, make_table().slice(0, 0)))
    vacuous = [rule("ExpectColumnValuesToBeBetween", column="text_length", min_value=1)]
    verdict = judge(gate, make_table().slice(0, 0), rules=vacuous)
    assert verdict.problems == ["no rows left of 0"]


def test_a_column_of_nulls_only_never_passes(gate: ModuleType) -> None:
    verdict = judge(gate, make_table(*[{"text": None}] * NUM_ROWS))
    assert failed_rules(verdict)["text_present"] == NUM_ROWS
    vacuous = [rule("ExpectColumnValuesToBeBetween", column="text_length", min_value=1)]
    verdict = judge(gate, make_table(*[{"text": None}] * NUM_ROWS), rules=vacuous)
    assert verdict.problems == [
        "column text of the kept rows has 40 nulls; keep the rule on num_missing"
    ]


def test_other_columns_or_types_stop_before_rows_are_judged(gate: ModuleType) -> None:
    table = make_table()
    numbers = pa.array(range(NUM_ROWS), pa.int64())
    verdict = judge(gate, table.set_column(1, "text", numbers).drop_columns(["votes"]))
    assert failed_rules(verdict) == {"schema": 2}
    assert {one.status for one in verdict.outcomes[1:]} == {"not run"}
    assert "schema" in verdict.problems[0]
    vacuous = [rule("ExpectTableRowCountToBeBetween", min_value=1)]
    assert "columns do not fit" in judge(gate, table.select([0]), rules=vacuous).problems[0]


@pytest.mark.parametrize("severity", ["warn", "quarantine", "stop"])
def test_an_exception_inside_an_expectation_closes_the_gate(
    gate: ModuleType, severity: str
) -> None:
    mixed = rule("ExpectColumnValuesToBeBetween", severity, column="text", min_value=5)
    verdict = judge(gate, make_table(), rules=[mixed])
    assert verdict.outcomes[0].status == "error"
    assert verdict.problems[0].startswith("tried (examples): error")


def test_a_rule_that_fails_without_naming_rows_cannot_quarantine(gate: ModuleType) -> None:
    kind = rule("ExpectColumnValuesToBeOfType", "quarantine", column="text", type_="int64")
    assert judge(gate, make_table(), rules=[kind]).outcomes[0].status == "error"


@pytest.mark.filterwarnings("ignore:.*is deprecated as of GX Core:DeprecationWarning")
def test_rules_see_all_columns_where_they_look_beyond_their_own(gate: ModuleType) -> None:
    tried = rule(
        "ExpectColumnValuesToBeInSet",
        "warn",
        column="label",
        value_set=["negative"],
        row_condition='source == "tweets"',
        condition_parser="pandas",
    )
    table = make_table(*[{"votes": ["-2"] * 12}] * NUM_ROWS, *[{}])
    assert judge(gate, table, rules=[tried]).outcomes[0].status == "passed"
    columns = rule("ExpectTableColumnCountToEqual", value=len(FACTS["examples"]))
    assert judge(gate, table, rules=[columns]).outcomes[0].status == "passed"
