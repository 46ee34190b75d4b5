"""What is to be forgotten, and by what it is known wherever it lies."""

import html
import json
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tasks.errors import InputError
from tasks.feedback import name_rater
from tasks.privacy import pseudonym

_SHORTEST_TEXT = 20  # characters; a shorter one is looked for as a whole cell, not within others
_PREDICTION_ID = re.compile(r"[0-9a-f]{32}")  # as the service makes them


class Subject(NamedTuple):
    """A rater, as the client named them, or a prediction."""

    raters: tuple[str, ...]  # the pseudonym, and the name for stores that keep it as it was sent
    client: str | None  # None: API keys were off
    prediction_id: str | None


class Traces(NamedTuple):
    """All of it: a rater's events, the predictions these answer, and what else answers those."""

    event_ids: frozenset[str] = frozenset()
    prediction_ids: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()  # as sent, and as kept
    raters: frozenset[str] = frozenset()  # pseudonyms
    names: frozenset[str] = frozenset()  # CLIENT:NAME, as tables call who is kept as_sent
    within: frozenset[str] = frozenset()  # of the texts: others have sent them as part of theirs

    def long_texts(self) -> list[str]:
        """That nothing else holds by chance, as far as is known."""
        return [text for text in self.texts - self.within if len(text) >= _SHORTEST_TEXT]

    def words(self) -> list[str]:
        """What nothing else holds by chance."""
        return [*self.event_ids, *self.prediction_ids, *self.raters, *self.long_texts()]

    def tokens(self) -> list[bytes]:
        return sorted(token for word in self.words() for token in spellings(word))


def of_rater(rater: str, client: str | None) -> Subject:
    return Subject((pseudonym(client, rater), rater), client, None)


def of_prediction(prediction_id: str) -> Subject:
    """InputError for what is no such id: it would be found nowhere, as if it were forgotten."""
    if not _PREDICTION_ID.fullmatch(prediction_id):
        raise InputError(
            f"PREDICTION={prediction_id!r:.80}: expected a prediction_id as the service gave it: "
            "32 digits of 0-9a-f. Copy it whole."
        )
    return Subject((), None, prediction_id)


def find_predictions(table: pa.Table, subject: Subject) -> set[str]:
    """That the subject is, or has answered, by a table of feedback."""
    ids = set(table.filter(_is_theirs(table, subject))["prediction_id"].to_pylist())
    return ids | {subject.prediction_id} if subject.prediction_id else ids


def find_events(table: pa.Table, prediction_ids: set[str]) -> pa.Array:
    """Which rows go: one boolean each."""
    return pc.is_in(table["prediction_id"], pa.array(sorted(prediction_ids), pa.string()))


def traces_of(tables: Sequence[pa.Table], subject: Subject, prediction_ids: set[str]) -> Traces:
    """Of feedback in these tables, which have columns event_id, prediction_id and text."""
    return Traces(
        frozenset(_values(tables, "event_id")),
        frozenset(prediction_ids),
        frozenset(text for text in _values(tables, "text") if text),
        frozenset(subject.raters[:1]),
        frozenset(name_rater(subject.client, name) for name in subject.raters[1:]),
    )


def spellings(word: str) -> set[bytes]:
    """As it is, and in JSON, CSV and HTML."""
    in_json = json.dumps(word, ensure_ascii=False)[1:-1]
    found = {word, in_json, word.replace('"', '""'), html.escape(word)}
    return {each.encode("utf-8", "surrogatepass") for each in found}


def _values(tables: Sequence[pa.Table], name: str) -> Iterator[str]:
    for table in tables:
        yield from table[name].to_pylist()


def _is_theirs(table: pa.Table, subject: Subject) -> pa.Array:
    theirs = pc.is_in(table["rater"], pa.array(subject.raters, pa.string()))
    if subject.client is None:
        return pc.and_(theirs, pc.is_null(table["client"]))
    return pc.and_(theirs, pc.fill_null(pc.equal(table["client"], subject.client), False))
