"""Files through a real release: every row kept, scored as the service does, or with a reason."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.bundle import load_bundle
from tasks.releases import LIVE, Place
from tests.serving.batch.scored import OUT, TEXTS, score, write_csv
from tests.tiny_bundle import CLASSES


def expected_probs(texts: list[str], version: str = "v1.0.0") -> Any:
    return load_bundle(Place(LIVE).bundle(version)).probs(texts)


def check_answers(table: pa.Table, texts: list[str]) -> None:
    """The same as the bundle alone gives, one text at a time."""
    probs = np.array([table[f"probability_{name}"].to_pylist() for name in CLASSES]).T
    one_by_one = np.concatenate([expected_probs([text]) for text in texts])
    np.testing.assert_allclose(probs, one_by_one, atol=1e-6)
    assert table["predicted"].to_pylist() == [CLASSES[i] for i in one_by_one.argmax(axis=1)]
    assert table["row"].to_pylist() == list(range(1, len(texts) + 1))
    assert table["model_version"].unique().to_pylist() == ["v1.0.0"]
    assert table["problem"].null_count == len(texts)


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize(("name", "delimiter"), [("in.CSV", ","), ("in.tsv", "\t")])
def test_a_delimited_file_keeps_its_cells_as_they_are_spelt(name: str, delimiter: str) -> None:
    table = score(write_csv(Path(name), TEXTS, delimiter))
    check_answers(table, TEXTS)
    assert table["text"].to_pylist() == TEXTS
    assert table["number"].to_pylist()[:2] == ["000", "001"]
    assert table["label"].unique().to_pylist() == ["NA"]  # the text, no missing value


@pytest.mark.usefixtures("checkout")
def test_json_lines_keep_all_keys_of_all_objects() -> None:
    objects: list[dict[str, Any]] = [{"body": text} for text in TEXTS]
    objects[0]["n"], objects[3]["tags"] = 1.10, ["a", {"b": None}]
    Path("in.jsonl").write_text("\n".join(map(json.dumps, objects)))
    table = score(Path("in.jsonl"), "body")
    check_answers(table, TEXTS)
    assert table["n"].to_pylist() == ["1.1", *[None] * 6]
    assert table["tags"].to_pylist()[3] == '["a", {"b": null}]'


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize(
    "line", [b'{"text": "b", "score": NaN}', b'{"text": "b", "score": 1, "score": 2}',
             b'{"text": "b", "score": "\xff"}'],
)  # fmt: skip
def test_a_rejected_line_names_no_column(line: bytes) -> None:
    Path("in.jsonl").write_bytes(b'{"text": "a"}\n' + line + b'\n{"text": "c"}\n')
    table = score(Path("in.jsonl"))
    assert table["text"].to_pylist() == ["a", None, "c"]
    assert "score" not in table.column_names
    assert [bool(problem) for problem in table["problem"].to_pylist()] == [False, True, False]


@pytest.mark.usefixtures("checkout")
def test_a_folder_of_parquet_keeps_its_types_and_the_order_of_its_paths() -> None:
    table = pa.table({
        "text": pa.array(TEXTS).dictionary_encode(),
        "n": pa.array(range(7), pa.int16()),
        "votes": pa.array([["a"], [], None, ["b"], [], [], []]),
    })  # fmt: skip
    for name, rows in (("b/x", table[4:]), ("a/y", table[:4])):
        file = Path(f"in/{name}.parquet")
        file.parent.mkdir(parents=True)
        pq.write_table(rows, file)
    found = score(Path("in"))
    check_answers(found, TEXTS)
    assert found.schema.field("n").type == pa.int16()
    assert found.select(["text", "n", "votes"]).to_pydict() == table.to_pydict()


@pytest.mark.usefixtures("checkout")
def test_rows_without_an_answer_stay_with_their_reason_and_are_counted() -> None:
    lines = [
        b'"good film",1', b"one cell", b'"broken \xff",2', b'"a \x00 in it",3',
        b"x" * 20_001 + b",4", b'"a stray quote', b"the food,5",
    ]  # fmt: skip
    Path("in.csv").write_bytes(b"text,n\n" + b"\n".join(lines))
    table = score(Path("in.csv"))
    problems = table["problem"].to_pylist()
    assert [problem and problem.split(":")[0] for problem in problems] == [
        None, "not readable", "not readable", "not readable", "too long", "not readable", None,
    ]  # fmt: skip
    assert problems[1] == "not readable: in.csv:3: 1 field, expected 2"
    assert problems[4] == "too long: 20,001 characters, at most 20,000"
    assert [label is None for label in table["predicted"].to_pylist()] == [
        problem is not None for problem in problems
    ]
    assert table["probability_NA"].null_count == 5
    assert table["n"].to_pylist() == ["1", None, None, None, "4", None, "5"]
    manifest = json.loads((OUT / "_manifest.json").read_bytes())
    assert manifest["not_scored"] == {"not readable": 4, "too long": 1}
    assert manifest["scored"] == 2
    assert sum(manifest["labels"].values()) == 2


@pytest.mark.usefixtures("checkout")
def test_texts_of_json_and_parquet_that_are_none_have_their_reasons() -> None:
    cells: list[Any] = [None, ["a"], "lone \ud800", "NUL \0", 5, "fine"]
    Path("in.jsonl").write_text("\n".join(json.dumps({"text": cell}) for cell in cells))
    table = score(Path("in.jsonl"))
    assert table["problem"].to_pylist() == [
        "no text", "no text: list", "not readable: lone surrogate U+D800 at position 6",
        "not readable: NUL character at position 5", None, None,
    ]  # fmt: skip
    assert table["text"].to_pylist() == [None, '["a"]', "lone \\ud800", "NUL \0", "5", "fine"]


@pytest.mark.usefixtures("checkout")
def test_text_in_parquet_that_is_no_unicode_costs_its_own_row_alone() -> None:
    pieces = pa.array([b"good", b"\xff\xfe", b"food"], pa.binary())
    broken = pa.Array.from_buffers(pa.string(), 3, pieces.buffers())  # says so, but is not
    pq.write_table(pa.table({"text": broken}), "in.parquet")
    table = score(Path("in.parquet"))
    assert table["problem"].to_pylist() == [None, "no text: bytes", None]


@pytest.mark.usefixtures("checkout")
def test_another_version_than_the_live_one_scores_when_asked_for() -> None:
    table = score(write_csv(Path("in.csv"), TEXTS), version="v1.1.0")
    assert table["model_version"].unique().to_pylist() == ["v1.1.0"]
    probs = np.array([table[f"probability_{name}"].to_pylist() for name in CLASSES]).T
    np.testing.assert_allclose(probs, expected_probs(TEXTS, "v1.1.0"), atol=1e-6)
    assert not np.allclose(probs, expected_probs(TEXTS), atol=1e-3)
