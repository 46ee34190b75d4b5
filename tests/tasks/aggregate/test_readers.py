import datetime
import json

import pyarrow as pa
import pytest

from tasks.aggregate.collect import example_id
from tests.tasks.aggregate.conftest import Place

UTC = datetime.UTC
ODD_LABELS = ["NA", "None", "null", "1e5", "True", "007", "nan", "1,5"]


def test_every_format_and_encoding_gives_the_same_rows(place: Place) -> None:
    text = "id{0}text\n1{0}Ärger\n2{0}€ 5\n"
    place.put("a.csv", text.format(","))
    place.put("b.csv", b"\xef\xbb\xbf" + text.format(";").encode())
    place.put("c.tsv", text.format("\t").encode("cp1252"))
    place.put("d.csv", text.format(",").encode("utf-16"))
    place.put("e.jsonl", '{"id": 1, "text": "Ärger"}\r\n\n{"text": "\\u20ac 5", "id": "2"}')
    place.parquet("f.parquet", pa.table({"id": [1, 2], "text": ["Ärger", "€ 5"]}))
    columns = {"source_id": "id", "text": "text"}
    place.source("a.csv", columns)
    place.source("b.csv", columns, format="csv-semicolon")
    place.source("c.tsv", columns, format="tsv", quoting=False, encoding="cp1252")
    place.source("d.csv", columns, encoding="UTF-16")
    place.source("e.jsonl", columns, format="jsonl")
    place.source("f.parquet", columns, format="parquet")
    rows = place.run()
    assert [row["text"] for row in rows] == ["Ärger", "€ 5"] * 6
    for row, source_id in zip(rows, ["1", "2"] * 6, strict=True):
        assert row["example_id"] == example_id(str(row["source"]), source_id)
        assert row["votes"] == []
        assert row["raters"] is row["created_at"] is None
    assert rows[1]["origin"] == "raw/a.csv:3"
    assert rows[9]["origin"] == "raw/e.jsonl:3"
    assert rows[11]["origin"] == "raw/f.parquet:2"
    assert place.rejects() == []
    assert (place.folder / "out/examples/source=s3/part-0.parquet").is_file()


def test_labels_survive_as_text_in_every_format(place: Place) -> None:
    lines = "".join(f'text {i},"{label}"\n' for i, label in enumerate(ODD_LABELS))
    place.put("a.csv", f"text,label\n{lines}")
    objects = [{"text": f"text {i}", "label": label} for i, label in enumerate(ODD_LABELS)]
    place.put("b.jsonl", "".join(f"{json.dumps(item)}\n" for item in objects))
    place.parquet("c.parquet", pa.Table.from_pylist(objects))
    columns = {"text": "text", "label": "label"}
    place.source("a.csv", columns)
    place.source("b.jsonl", columns, format="jsonl")
    place.source("c.parquet", columns, format="parquet")
    assert [row["votes"] for row in place.run()] == [[label] for label in ODD_LABELS] * 3


def test_json_scalars_of_mixed_types_keep_their_spelling(place: Place) -> None:
    place.put(
        "a.jsonl",
        '{"text": "a", "votes": [1, 1.50, 1e5, true, "NA", -0]}\n'
        '{"text": "b", "votes": "[2, false]"}\n{"text": 5, "votes": null}\n{"text": "d"}\n',
    )
    columns = {"text": "text", "votes": "votes"}
    place.source("a.jsonl", columns, format="jsonl", votes={"format": "json"})
    rows = place.run()
    assert rows[0]["votes"] == ["1", "1.50", "1e5", "true", "NA", "-0"]
    assert [row["votes"] for row in rows[1:]] == [["2", "false"], [], []]
    assert rows[2]["text"] == "5"


def test_votes_come_as_json_objects_with_raters_or_with_separators(place: Place) -> None:
    place.put("a.tsv", 'x\t[{"rater": "ann", "vote": 1}, {"rater": 7, "vote": "b"}]\n')
    place.put("b.csv", "text,v\nx, pos ; neg;pos\ny,\n")
    votes = {"format": "json"}
    place.source(
        "a.tsv",
        {"text": "t", "votes": "v"},
        votes=votes,
        format="tsv",
        quoting=False,
        columns=["t", "v"],
    )
    separated = {"format": "separated", "separator": ";"}
    place.source("b.csv", {"text": "text", "votes": "v"}, votes=separated)
    first, second, third = place.run()
    assert (first["votes"], first["raters"]) == (["1", "b"], ["ann", "7"])
    assert (second["votes"], second["raters"]) == (["pos", "neg", "pos"], None)
    assert third["votes"] == []


def test_one_row_per_vote_is_gathered_by_id_or_by_text(place: Place) -> None:
    votes = "1,x,p,ann\n2,y,,bob\n2,y,n,ann\n1,x,n,bob\n"  # first seen: with a vote, without
    place.put("a.csv", f"id,text,label,who\n{votes}")
    columns = {"text": "text", "label": "label", "rater": "who"}
    place.source("a.csv", columns | {"source_id": "id"})
    place.source("a.csv", columns)
    rows = place.run()
    found = [(row["text"], row["votes"], row["raters"]) for row in rows]
    assert found == [("x", ["p", "n"], ["ann", "bob"]), ("y", ["n"], ["ann"])] * 2
    assert place.metrics()["rows_in"] == 8
    assert place.metrics()["votes"] == 6


def test_ids_made_from_texts_stay_when_rows_are_appended(place: Place) -> None:
    place.put("a.csv", "text\nsame\nother\nsame\n")
    place.source("a.csv", {"text": "text"})
    before = [row["example_id"] for row in place.run()]
    assert len(set(before)) == 3
    place.put("a.csv", "text\nsame\nother\nsame\nnew\nsame\n")
    after = [row["example_id"] for row in place.run()]
    assert after[:3] == before
    assert len(set(after)) == 5


def test_times_of_1970_and_2262_and_any_offset_come_out_in_utc(place: Place) -> None:
    place.put(
        "a.csv",
        "text,at\na,1970-01-01\nb,2262-04-12T00:00:00\nc,2024-01-01T00:30:00+01:00\n"
        "d,2024-01-01T00:00:00.5Z\ne,\nf,9999-12-31T23:59:59Z\n",
    )
    place.source("a.csv", {"text": "text", "created_at": "at"})
    times = [row["created_at"] for row in place.run()]
    assert times == [
        datetime.datetime(1970, 1, 1, tzinfo=UTC),
        datetime.datetime(2262, 4, 12, tzinfo=UTC),
        datetime.datetime(2023, 12, 31, 23, 30, tzinfo=UTC),
        datetime.datetime(2024, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC),
        None,
        datetime.datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
    ]


def test_parquet_values_of_any_type_become_text_and_times(place: Place) -> None:
    nanoseconds = pa.array([1_700_000_000_123_456_789], pa.timestamp("ns"))
    columns = {"t": ["x"], "v": [[1, 2]], "at": nanoseconds}
    place.parquet("a.parquet", pa.table(columns))
    place.source(
        "a.parquet",
        {"text": "t", "votes": "v", "created_at": "at"},
        format="parquet",
        votes={"format": "json"},
    )
    (row,) = place.run()
    assert row["votes"] == ["1", "2"]
    assert row["created_at"] == datetime.datetime(2023, 11, 14, 22, 13, 20, 123456, tzinfo=UTC)


def test_two_file_sets_are_joined_by_id_and_those_without_partner_rejected(place: Place) -> None:
    place.put("texts.tsv", "1\t9.9\talpha\n2\t0\tbeta\n3\t0\tgamma\n")
    place.put("ratings.tsv", "\ufeff3\t[1]\n1\t[2, 3]\n4\t[4]\n1\t[5]\n")
    shape = {"format": "tsv", "encoding": "utf-8", "quoting": False}
    join = {"files": ["raw/ratings.tsv"], "columns": ["key", "r"], "id": "key", "adds": ["r"]}
    place.source(
        "texts.tsv",
        {"source_id": "id", "text": "text", "votes": "r"},
        columns=["id", "mean", "text"],
        votes={"format": "json"},
        join=shape | join,
        **shape,
    )
    place.set(max_reject_fraction=1.0)
    rows = place.run()
    assert [(row["text"], row["votes"]) for row in rows] == [
        ("alpha", ["2", "3"]),
        ("gamma", ["1"]),
    ]
    assert {(row["origin"], row["rule"]) for row in place.rejects()} == {
        ("raw/texts.tsv:2", "unmatched"),
        ("raw/ratings.tsv:3", "unmatched"),
        ("raw/ratings.tsv:4", "duplicate_id"),
    }
    metrics = place.metrics()
    assert metrics["rows_in"] == metrics["rows_out"] + metrics["rejected"] == 5


def test_globs_read_each_file_once_in_the_order_of_names(place: Place) -> None:
    for name in "cab":
        place.put(f"{name}.csv", f"text\n{name}\n")
    place.source("*.csv", {"text": "text"}, files=["raw/*.csv", "raw/a.csv"])
    assert [row["origin"] for row in place.run()] == [f"raw/{name}.csv:2" for name in "abc"]


def test_two_runs_give_the_same_bytes(place: Place) -> None:
    place.put("a.csv", 'text,label\n"a\nb",x\nshort\n')
    place.source("a.csv", {"text": "text", "label": "label"})
    place.set(max_reject_fraction=1.0)
    place.run()
    before = place.outputs()
    place.run()
    assert place.outputs() == before
    assert str(place.folder).encode() not in b"".join(before.values())


@pytest.mark.parametrize("name", ["../etc", "etc/passwd", "raw/", "raw/../../x", "/raw/x"])
def test_files_outside_the_input_folders_are_refused(place: Place, name: str) -> None:
    place.source("x", {"text": "text"}, files=[name])
    with pytest.raises(Exception, match=r"must start with 'fetch/' or 'raw/'"):
        place.load()
