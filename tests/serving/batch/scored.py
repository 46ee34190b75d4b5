"""Texts to score, files that hold them, and what a scoring has left."""

import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from serving.batch.__main__ import main

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
    manifest = json.loads((OUT / "_manifest.json").read_bytes())
    table = pa.concat_tables([pq.read_table(OUT / part["file"]) for part in manifest["parts"]])
    assert pq.read_table(OUT).equals(table), "the folder reads as one table"
    assert manifest["rows"] == table.num_rows
    assert manifest["scored"] == table.num_rows - table["predicted"].null_count
    return table


def write_csv(file: Path, texts: list[str], delimiter: str = ",") -> Path:
    with file.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream, delimiter=delimiter)
        writer.writerow(["number", "text", "label"])
        writer.writerows([f"{row:03}", text, "NA"] for row, text in enumerate(texts))
    return file
