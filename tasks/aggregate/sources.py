"""One source of params.yaml, read whole: its table of examples and its rejected rows."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from tasks.aggregate.collect import (
    example_id,
    gather_votes,
    join_rows,
    name_by_text,
    reject_duplicates,
)
from tasks.aggregate.delimited import read_delimited
from tasks.aggregate.fields import Example, parse_example
from tasks.aggregate.files import InputFile, count_lines, find_files
from tasks.aggregate.params import AggregateParams, FileSet, Source
from tasks.aggregate.rows import Reject, Row
from tasks.aggregate.structured import read_json_lines, read_parquet
from tasks.progress import track
from tasks.records import AGGREGATED

log = logging.getLogger(__name__)
_ROWS_PER_BATCH = 20_000  # Python objects held at once; Arrow holds the rest


class Result(NamedTuple):
    """What a source gave; `rows_in` counts its rows and its rejected lines."""

    source: str
    rows_in: int
    num_votes: int
    examples: pa.Table
    rejects: list[Reject]


def read_source(source: Source, folders: Mapping[str, Path], params: AggregateParams) -> Result:
    """Read every file of a source. InputError when a file or column is missing or unusable."""
    rejects: list[Reject] = []
    counts = {"rows_in": 0}
    parse = partial(parse_example, source=source, max_cell_characters=params.max_cell_characters)
    rows = _counted(_read_rows(source, folders), counts)
    parsed = (row if isinstance(row, Reject) else parse(row) for row in rows)
    named = name_by_text(parsed, once=source.map.rater is not None)
    collect = gather_votes if source.map.rater else reject_duplicates
    batches = list(_batches(_keep(collect(named), rejects), source.name))
    examples = pa.Table.from_batches(batches, AGGREGATED)
    num_votes = sum(len(batch.column("votes").flatten()) for batch in batches)
    numbers = (counts["rows_in"], examples.num_rows, num_votes, len(rejects))
    shown = [f"{number:,}" for number in numbers]
    log.info("%s: %s rows in, %s examples with %s votes, %s rejected", source.name, *shown)
    return Result(source.name, counts["rows_in"], num_votes, examples, rejects)


def _read_rows(source: Source, folders: Mapping[str, Path]) -> Iterator[Row | Reject]:
    used = source.map.used()
    if source.join is None:
        return _read_set(source, folders, used, source.name)
    join = source.join
    rows = _read_set(source, folders, [name for name in used if name not in join.adds], source.name)
    partners = _read_set(join, folders, list(dict.fromkeys([join.id, *join.adds])), source.name)
    assert source.map.source_id, "a join has an id to match"
    return join_rows(rows, partners, source.map.source_id, join)


def _read_set(
    files: FileSet, folders: Mapping[str, Path], wanted: list[str], source: str
) -> Iterator[Row | Reject]:
    found = find_files(files, folders, source)
    is_text = files.format != "parquet"
    total = sum(map(count_lines, found)) if is_text else 0
    rows = (row for file in found for row in _READERS[files.format](file, files, wanted))
    return track(rows, total, f"lines of {source}") if is_text else rows


def _counted(rows: Iterable[Row | Reject], counts: dict[str, int]) -> Iterator[Row | Reject]:
    for row in rows:
        counts["rows_in"] += 1
        yield row


def _keep(items: Iterable[Example | Reject], rejects: list[Reject]) -> Iterator[Example]:
    for item in items:
        if isinstance(item, Reject):
            rejects.append(item)
        else:
            yield item


def _batches(examples: Iterator[Example], source: str) -> Iterator[pa.RecordBatch]:
    while batch := list(islice(examples, _ROWS_PER_BATCH)):
        columns = [
            [example_id(source, str(example.source_id)) for example in batch],
            [example.text for example in batch],
            [source] * len(batch),
            [example.votes for example in batch],
            [example.raters for example in batch],
            [example.created_at for example in batch],
            [example.origin for example in batch],
        ]
        kinds = AGGREGATED.types
        arrays = [pa.array(column, kind) for column, kind in zip(columns, kinds, strict=True)]
        yield pa.RecordBatch.from_arrays(arrays, schema=AGGREGATED)


_Reader = Callable[[InputFile, FileSet, list[str]], Iterator[Row | Reject]]
_READERS: dict[str, _Reader] = {
    "csv": read_delimited,
    "csv-semicolon": read_delimited,
    "tsv": read_delimited,
    "jsonl": read_json_lines,
    "parquet": read_parquet,
}
