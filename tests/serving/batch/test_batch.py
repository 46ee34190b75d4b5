"""Files through a real release: every row kept, scored as the service does, or with a reason."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from serving.batch.__main__ import main
from tasks.bundle import load_bundle
from tasks.errors import InputError
from tasks.releases import LIVE, Place
from tests.serving.conftest import Bundles
from tests.serving.live_place import LivePlace
from tests.tiny_bundle import CLASSES

TEXTS = [
    "the film was good",
    "NA",
    "",
    'it is\nnot awful, "very" bad!',
    "👍🏽 the food",
    "null",
    "x" * 900,
]
OUT = Path("out")


def score(source: Path, text_column: str = "text", version: str | None = None) -> pa.Table:
    main(source, OUT, text_column, version)
    manifest = json.loads((OUT / "manifest.json").read_bytes())
    table = pa.concat_tables([pq.read_table(OUT / part["file"]) for part in manifest["parts"]])
    assert manifest["rows"] == table.num_rows
    assert manifest["scored"] == table.num_rows - table["predicted"].null_count
    return table


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


def write_csv(file: Path, texts: list[str], delimiter: str = ",") -> Path:
    with file.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream, delimiter=delimiter)
        writer.writerow(["number", "text", "label"])
        writer.writerows([f"{row:03}", text, "NA"] for row, text in enumerate(texts))
    return file


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize(("name", "delimiter"), [("in.csv", ","), ("in.tsv", "\t")])
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
    manifest = json.loads((OUT / "manifest.json").read_bytes())
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


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("missing.csv", "text", None), "nothing to score there"),
        (("params.yaml", "text", None), "unknown kind of file"),
        (("in.csv", "body", None), "no column 'body', found number"),
        (("in.csv", "text", "v9.9.9"), "v9.9.9"),
        (("in.csv", "text", "../v1.0.0"), "no version, such as v1.0.0"),
        (("empty.csv", "text", None), "the file is empty"),
        (("header.csv", "text", None), "only a header, no rows"),
        (("taken.csv", "text", None), r"\['predicted', 'row'\]: these names are taken"),
        (("numbers.parquet", "text", None), "column 'text' holds int64, expected text"),
        (("mixed", "text", None), "files of differing columns"),
        (("nothing", "text", None), "nothing to score there"),
    ],
)
def test_what_cannot_be_scored_is_refused_in_one_line(
    arguments: tuple[str, str, str | None], message: str
) -> None:
    write_csv(Path("in.csv"), TEXTS)
    Path("empty.csv").touch()
    Path("header.csv").write_text("text,n\n")
    Path("taken.csv").write_text("text,row,predicted\na,b,c\n")
    pq.write_table(pa.table({"text": [1, 2]}), "numbers.parquet")
    Path("mixed").mkdir()
    Path("nothing").mkdir()
    pq.write_table(pa.table({"text": ["a"]}), "mixed/1.parquet")
    pq.write_table(pa.table({"text": ["a"], "n": [1]}), "mixed/2.parquet")
    source, text_column, version = arguments
    with pytest.raises(InputError, match=message) as caught:
        main(Path(source), OUT, text_column, version)
    assert "\n" not in str(caught.value)
    assert not (OUT / "manifest.json").exists()


def test_answers_of_two_versions_never_share_a_folder(
    checkout: LivePlace, bundles: Bundles
) -> None:
    source = write_csv(Path("in.csv"), TEXTS)
    score(source)
    before = {file.name: file.read_bytes() for file in OUT.iterdir()}
    checkout.point(checkout.release("v1.2.0", bundles.second))
    with pytest.raises(InputError, match=r"version was v1.0.0, is v1.2.0.* --version v1.0.0"):
        score(source)
    score(source, version="v1.0.0")
    assert {file.name: file.read_bytes() for file in OUT.iterdir()} == before


@pytest.mark.usefixtures("checkout")
def test_a_changed_source_or_a_foreign_folder_is_refused() -> None:
    source = write_csv(Path("in.csv"), TEXTS)
    score(source)
    write_csv(source, [*TEXTS, "more"])
    with pytest.raises(InputError, match=r"begun for something else \(files was"):
        score(source)
    (OUT / "job.json").unlink()
    with pytest.raises(InputError, match="which no scoring has left there"):
        score(source)
    with pytest.raises(InputError, match="lies in the source"):
        main(Path(), Path("below"), "text", None)
