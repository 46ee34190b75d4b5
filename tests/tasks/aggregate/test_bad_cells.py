"""Cells that cannot become fields are rejected, each with its place and reason."""

import pytest

from tasks.errors import GateError
from tests.tasks.aggregate.conftest import Place, fail

COLUMNS = {"source_id": "id", "text": "text", "label": "label"}

JSON_LINES = {
    "bad JSON": (b'{"text": "a"', "json", "not JSON: Expecting"),
    "no object": (b"[1]\n", "json", "expected an object, found [1]"),
    "a key twice": (b'{"text": "a", "text": "b"}\n', "json", "a key is given twice"),
    "NaN": (b'{"text": "a", "label": NaN}\n', "json", "NaN is no JSON value"),
    "deep nesting": (b"[" * 100_000 + b"\n", "json", "not JSON: maximum recursion"),
    "lone surrogate": (b'{"text": "\\ud800"}\n', "surrogate", "U+D800 at position 1 of 'text'"),
    "escaped NUL": (b'{"text": "\\u0000"}\n', "nul", "NUL character at position 1 of 'text'"),
    "no text": (b'{"label": "x"}\n', "text", "'text' is None, expected text"),
    "text of another type": (b'{"text": ["a"]}\n', "text", "'text' is ['a'], expected text"),
    "an object as text": (
        b'{"text": {"en": "a"}}\n',
        "text",
        "'text' is {'en': 'a'}, expected text",
    ),
    "a list as label": (b'{"text": "a", "label": [1]}\n', "votes", "expected one value"),
    "no time": (b'{"text": "a", "at": "yesterday"}\n', "time", "'at' is 'yesterday'"),
    "a time before all": (b'{"text": "a", "at": "0001-01-01T00:00+14:00"}\n', "time", "expected a"),
}


@pytest.mark.parametrize(("line", "rule", "reason"), JSON_LINES.values(), ids=JSON_LINES)
def test_a_malformed_json_line_is_rejected(turned: Place, line: bytes, rule: str, reason: str):
    turned.params["sources"] = []
    turned.put("a.jsonl", b'{"text": "a", "label": "x", "at": "2024-01-01"}\n' + line)
    columns = {"text": "text", "label": "label", "created_at": "at"}
    turned.source("a.jsonl", columns, format="jsonl")
    message = fail(turned, GateError)
    assert "source 's0': 1 of 2 rows rejected (50.00%, at most 0.10%)" in message
    assert "raw/a.jsonl:2: " in message
    assert reason in message
    assert "out-failed/rejected.parquet" in message
    turned.set(max_reject_fraction=1.0)
    assert len(turned.run()) == 1
    (listed,) = turned.rejects()
    assert (listed["origin"], listed["rule"]) == ("raw/a.jsonl:2", rule)
    assert reason in listed["reason"]


@pytest.mark.parametrize(
    "votes",
    [
        "[1, null]",
        "[[1]]",
        "[1",
        "5",
        '{"a": 1}',
        '[1, ""]',
        '["\\ud800"]',
        '[{"rater": "a"}]',
        '[1, {"rater": "a", "vote": 1}]',
        '[{"rater": "a", "vote": 1}, {"rater": "a", "vote": 2}]',
    ],
)
def test_bad_votes_are_rejected(place: Place, votes: str) -> None:
    place.put("a.tsv", f"a\t[1]\nb\t{votes}\n")
    shape = {"format": "tsv", "quoting": False, "columns": ["text", "votes"]}
    place.source("a.tsv", {"text": "text", "votes": "votes"}, votes={"format": "json"}, **shape)
    place.set(max_reject_fraction=1.0)
    assert len(place.run()) == 1
    (listed,) = place.rejects()
    assert listed["rule"] in ("votes", "surrogate")


def test_an_empty_vote_between_separators_is_rejected(place: Place) -> None:
    place.put("a.csv", "text,v\na,1;2\nb,1;;2\n")
    votes = {"format": "separated", "separator": ";"}
    place.source("a.csv", {"text": "text", "votes": "v"}, votes=votes)
    place.set(max_reject_fraction=1.0)
    assert len(place.run()) == 1
    assert "an empty vote in '1;;2'" in place.rejects()[0]["reason"]


def test_conflicting_texts_and_a_rater_voting_twice_are_rejected(place: Place) -> None:
    place.put("a.csv", "id,text,label,who\n1,x,p,ann\n1,y,p,bob\n1,x,n,ann\n")
    place.source("a.csv", COLUMNS | {"rater": "who"})
    place.set(max_reject_fraction=1.0)
    (row,) = place.run()
    assert row["votes"] == ["p"]
    assert [item["rule"] for item in place.rejects()] == ["conflict", "duplicate_vote"]
