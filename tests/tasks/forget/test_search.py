"""What holds a trace: texts however they are spelt; a class that is somebody's text does not."""

import csv
import html
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.forget.search import holds
from tasks.forget.traces import Traces
from tasks.records import FEEDBACK, LABELLED, REJECTED

TEXT = 'she said "never again" & <left> at once'
TRACES = Traces(texts=frozenset([TEXT, "neutral"]))


@pytest.mark.parametrize("name", ["text", "content", "comment", "neighbour", "whatever"])
@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.list_(pa.string())])
@pytest.mark.parametrize("text", [TEXT, "neutral"])
def test_a_text_is_found_in_columns_that_may_hold_texts(
    tmp_path: Path, name: str, kind: pa.DataType, text: str
) -> None:
    cells = [[None, text]] if pa.types.is_list(kind) else [text]
    pq.write_table(pa.table({name: pa.array(cells, kind)}), tmp_path / "one.parquet")
    assert holds(tmp_path / "one.parquet", TRACES)


@pytest.mark.parametrize("schema", [FEEDBACK, LABELLED, REJECTED])
def test_a_class_that_somebody_wrote_as_a_text_is_found_where_texts_are_alone(
    tmp_path: Path, schema: pa.Schema
) -> None:
    found = set()
    for name in schema.names:
        if pa.types.is_string(schema.field(name).type):
            pq.write_table(pa.table({name: ["neutral"]}), tmp_path / "one.parquet")
            if holds(tmp_path / "one.parquet", TRACES):
                found.add(name)
    assert {"text", "comment", "content"} & set(schema.names) <= found
    assert not {"label", "predicted", "source", "rule", "model_version"} & found


def test_two_cells_are_not_one_text(tmp_path: Path) -> None:
    words = TEXT.partition(" & ")
    pq.write_table(pa.table({"text": [words[0], "&", words[2]]}), tmp_path / "one.parquet")
    assert not holds(tmp_path / "one.parquet", TRACES)


def test_a_text_is_found_as_other_files_spell_it(tmp_path: Path) -> None:
    file = tmp_path / "tasks.json"
    file.write_text(json.dumps([{"text": TEXT}], ensure_ascii=False))
    assert holds(file, TRACES)
    file.write_text(f"<td>{html.escape(TEXT)}</td>")
    assert holds(file, TRACES)
    with file.open("w") as stream:
        csv.writer(stream).writerow(["one", TEXT])
    assert holds(file, TRACES)
    file.write_text(json.dumps([{"text": TEXT[::-1]}], ensure_ascii=False))
    assert not holds(file, TRACES)
