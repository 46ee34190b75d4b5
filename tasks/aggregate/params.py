"""Params section `aggregate`: what the sources are, and how their files are read."""

import codecs
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from tasks.params import Params

DELIMITERS = {"csv": ",", "csv-semicolon": ";", "tsv": "\t"}

SourceName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]  # also a folder's name


def _names_an_input(glob: str) -> str:
    folder, _, rest = glob.partition("/")
    if folder not in ("fetch", "raw") or not rest or ".." in rest.split("/"):
        raise ValueError(f"{glob!r} must start with 'fetch/' or 'raw/' and go on without '..'")
    return glob


def _known_encoding(encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        raise ValueError(f"{encoding!r} is no encoding Python knows; try utf-8") from None


class FileSet(Params):
    """Files of one shape."""

    files: Annotated[list[Annotated[str, AfterValidator(_names_an_input)]], Field(min_length=1)]
    format: Literal["csv", "csv-semicolon", "tsv", "jsonl", "parquet"]
    encoding: Annotated[str, AfterValidator(_known_encoding)] | None
    quoting: bool | None
    columns: Annotated[list[str], Field(min_length=1)] | None

    @model_validator(mode="after")
    def _keys_fit_format(self) -> Self:
        delimited = self.format in DELIMITERS
        if delimited != (self.quoting is not None):
            raise ValueError(f"quoting is true or false for csv and tsv, null for {self.format}")
        if (self.format == "parquet") != (self.encoding is None):
            raise ValueError("encoding is stated for every format but parquet, where it is null")
        if self.columns is not None and not delimited:
            raise ValueError(f"columns must be null: {self.format} names its own")
        if self.columns is not None and len(set(self.columns)) != len(self.columns):
            raise ValueError(f"columns {self.columns} must all differ")
        return self


class Join(FileSet):
    """A second set of files with more columns of the same examples."""

    id: str  # the column that holds what `map.source_id` holds in the first set
    adds: Annotated[list[str], Field(min_length=1)]  # the mapped columns that stand in this set


class Columns(Params):
    """Which file column holds what; null where no column does."""

    source_id: str | None
    text: str
    votes: str | None
    label: str | None
    rater: str | None
    created_at: str | None

    def used(self) -> list[str]:
        return list(dict.fromkeys(name for name in self.model_dump().values() if name))


class JsonVotes(Params):
    """A JSON list: scalars, or objects {"rater": ..., "vote": ...}."""

    format: Literal["json"]


class SeparatedVotes(Params):
    """Votes in one cell with a separator between them; spaces around a vote do not count."""

    format: Literal["separated"]
    separator: Annotated[str, Field(min_length=1)]


class Source(FileSet):
    """Where examples of one kind come from."""

    name: SourceName
    map: Columns
    votes: Annotated[JsonVotes | SeparatedVotes, Field(discriminator="format")] | None
    join: Join | None

    @model_validator(mode="after")
    def _columns_fit(self) -> Self:
        if (self.map.votes is None) != (self.votes is None):
            raise ValueError("map.votes and votes are both set or both null")
        if self.map.votes and (self.map.label or self.map.rater):
            raise ValueError("map.votes holds whole lists, so map.label and map.rater must be null")
        if self.map.rater and not self.map.label:
            raise ValueError("map.rater says who gave map.label, so that must be set, too")
        if self.join and not self.map.source_id:
            raise ValueError("join matches map.source_id, so that must be set")
        if self.join and not set(self.join.adds) <= set(self.map.used()) - {self.map.source_id}:
            raise ValueError(f"join.adds {self.join.adds} must be columns that map uses")
        return self


class FeedbackSource(Params):
    """Corrections of predictions, as one more source."""

    source: SourceName
    votes: Annotated[dict[str, str], Field(min_length=1)] | None  # by class; null: its name


class AggregateParams(Params):
    max_reject_fraction: Annotated[float, Field(ge=0, le=1)]
    max_cell_characters: Annotated[int, Field(ge=1)]
    num_shown_rejects: Annotated[int, Field(ge=1)]
    sources: Annotated[list[Source], Field(min_length=1)]
    feedback: FeedbackSource

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [*(source.name for source in self.sources), self.feedback.source]
        if len(set(names)) != len(names):
            raise ValueError(f"source names {names} must all differ")
        return self
