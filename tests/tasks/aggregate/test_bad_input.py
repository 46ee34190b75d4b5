"""Each kind of bad file and row: the one line a person reads, and earlier outputs as they were."""

import pyarrow as pa
import pytest

from tasks.errors import GateError, InputError
from tests.tasks.aggregate.conftest import COLUMNS, GOOD, HEADER, Place, fail

UNUSABLE = {
    "empty file": (b"", "raw/a.csv: the file is empty (0 bytes)"),
    "only a byte-order mark": (b"\xef\xbb\xbf", "raw/a.csv:1: expected a header"),
    "header only": (HEADER.encode(), "raw/a.csv: only a header, no rows"),
    "header only, cut off": (b"id,text,label", "raw/a.csv: only a header, no rows"),
    "utf-16": (GOOD.encode("utf-16"), "the file is UTF-16 by its first bytes, declared is utf-8"),
    "bare utf-16": (GOOD.encode("utf-16-le"), "the file is UTF-16 by its first bytes"),
    "bare big utf-16": (GOOD.encode("utf-16-be"), "the file is UTF-16 by its first bytes"),
    "wrong delimiter": (
        GOOD.replace(",", "\t").encode(),
        "column ['id', 'text', 'label'] is missing; found ['id\\ttext\\tlabel'] "
        "(separated by ',', but the line holds 2 tabs: wrong format?)",
    ),
    "missing column": (
        GOOD.replace("label", "class").encode(),
        "column ['label'] is missing; found ['id', 'text', 'class']",
    ),
    "a column twice": (b"id,id,text\n1,2,x\n", "expected a header of differing column names"),
}


@pytest.mark.parametrize(("content", "message"), UNUSABLE.values(), ids=UNUSABLE)
def test_an_unusable_file_is_named_with_what_is_wrong(turned: Place, content, message) -> None:
    turned.put("a.csv", content)
    assert message in fail(turned, InputError)


ROWS = {
    "half a last row": (b"20,te", "fields", "2 fields, expected 3 (last line, without a line end"),
    "too many fields": (b"20,a,b,c\n", "fields", "4 fields, expected 3"),
    "another delimiter": (b"20;text;x\n", "fields", "the line holds 2 semicolons"),
    "NUL bytes": (b"20,te\0xt,x\n", "nul", "NUL character at position 6"),
    "undecodable byte": (b"20,\xe9t\xe9,x\n", "undecodable", "byte 0xe9 at position 4"),
    "cut within a character": (b"20,text,\xe2\x82", "undecodable", "byte 0xe2 at position 9"),
    "surrogate bytes": (b"20,\xed\xa0\x80,x\n", "undecodable", "byte 0xed at position 4"),
    "million characters": (
        b"20," + b"m" * 1_000_000 + b",x\n",
        "long_cell",
        "1,000,000 characters in 'text', at most 100,000 (aggregate.max_cell_characters)",
    ),
    "million characters over lines": (
        b'20,"' + b"m\n" * 500_000 + b'",x\n',
        "long_cell",
        "1,000,000 characters in 'text'",
    ),
    "duplicate id": (b"7,other,x\n", "duplicate_id", "id '7' stands already at raw/a.csv:9"),
    "no id": (b",text,x\n", "id", "'id' is '', expected an id"),
    "open quote to the end": (b'20,"text,x\n', "quote", "unbalanced or misplaced quote"),
    "text after a quote": (b'20,"a"b,x\n', "quote", "',' expected after '\"'"),
}


@pytest.mark.parametrize(("line", "rule", "reason"), ROWS.values(), ids=ROWS)
def test_a_malformed_row_is_rejected_with_place_and_reason(
    turned: Place, line: bytes, rule: str, reason: str
) -> None:
    turned.put("a.csv", GOOD.encode() + line)
    message = fail(turned, GateError)
    assert "source 's0': 1 of 21 rows rejected (4.76%, at most 0.10%)" in message
    assert "raw/a.csv:22: " in message
    assert reason in message
    assert "out-failed/rejected.parquet" in message
    (listed,) = turned.rejects("out-failed")
    assert (listed["origin"], listed["rule"]) == ("raw/a.csv:22", rule)
    assert reason in listed["reason"]
    assert len(listed["content"]) <= 3000

    turned.set(max_reject_fraction=0.05)
    assert len(turned.run()) == 20
    assert turned.rejects() == [listed]
    assert turned.metrics()["rejected_by_rule"] == {rule: 1}
    assert not (turned.folder / "out-failed").exists()


def test_an_open_quote_costs_its_own_line_and_says_how_many_it_swallowed(turned: Place) -> None:
    lines = GOOD.splitlines(keepends=True)
    lines[5] = '4,"text 4,x\n'
    turned.put("a.csv", "".join(lines))
    turned.set(max_reject_fraction=0.05)
    assert len(turned.run()) == 19
    (listed,) = turned.rejects()
    assert listed["origin"] == "raw/a.csv:6"
    assert "a quote opens here and swallows the next 15 lines" in listed["reason"]


def test_damaged_parquet_is_named_and_damaged_values_are_rejected(turned: Place) -> None:
    turned.params["sources"] = []
    turned.source("a.parquet", {"text": "text"}, format="parquet")
    turned.put("a.parquet", b"PAR1 not really PAR1")
    assert "raw/a.parquet: not readable as Parquet" in fail(turned, InputError)
    turned.parquet("a.parquet", pa.table({"text": pa.array([], pa.string())}))
    assert "raw/a.parquet: no rows" in fail(turned, InputError)
    turned.parquet("a.parquet", pa.table({"words": ["a"]}))
    assert "column ['text'] is missing; found ['words']" in fail(turned, InputError)
    broken = pa.array([b"fine", b"\xff", b"also fine"], pa.binary()).view(pa.string())
    turned.parquet("a.parquet", pa.table({"text": broken}))
    turned.set(max_reject_fraction=0.5)
    assert [row["text"] for row in turned.run()] == ["fine", "also fine"]
    assert turned.rejects()[0]["origin"] == "raw/a.parquet:2"


def test_a_missing_file_and_a_glob_without_match_are_named(turned: Place) -> None:
    (turned.folder / "raw/a.csv").unlink()
    assert "source 's0': no file matches 'raw/a.csv'" in fail(turned, InputError)


def test_a_wrong_delimiter_without_a_header_is_hinted_at(turned: Place) -> None:
    turned.params["sources"] = []
    turned.put("a.csv", "1\ttext\tx\n" * 5)
    turned.source("a.csv", COLUMNS, columns=["id", "text", "label"])
    message = fail(turned, GateError)
    assert "5 of 5 rows rejected" in message
    assert (
        "raw/a.csv:1: 1 field, expected 3 (separated by ',', but the line holds 2 tabs" in message
    )


def test_broken_utf_16_is_an_error_that_says_where(turned: Place) -> None:
    turned.params["sources"][0]["encoding"] = "utf-16"
    turned.put("a.csv", GOOD.encode("utf-16") + b"a")
    assert "raw/a.csv: not utf-16 from about byte" in fail(turned, InputError)
    turned.put("a.csv", b"\xef\xbb\xbf" + GOOD.encode())
    assert "the file is UTF-8 by its first bytes, declared is utf-16" in fail(turned, InputError)
