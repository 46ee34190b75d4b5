"""Predictions into their table: all of a batch or none, and none of them twice."""

import hashlib
from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import Engine
from sqlalchemy.dialects import postgresql, sqlite

from serving.store.engine import writing
from serving.store.records import PredictionRecord
from serving.store.tables import PREDICTIONS
from tasks.text import normalise

Keep = Literal["text", "hash", "nothing"]


def insert_predictions(engine: Engine, records: Sequence[PredictionRecord], keep: Keep) -> None:
    """One transaction; a prediction that is there already stays, so a try can be repeated."""
    make = sqlite.insert if engine.dialect.name == "sqlite" else postgresql.insert
    statement = make(PREDICTIONS).on_conflict_do_nothing(index_elements=["prediction_id"])
    rows = [_to_row(record, keep) for record in records]
    with writing(engine) as connection:
        connection.execute(statement, rows)


def _to_row(record: PredictionRecord, keep: Keep) -> dict[str, Any]:
    text = record.text
    return record._asdict() | {
        "text": text if keep == "text" else None,
        "text_sha256": None if keep == "nothing" else sha256_of_text(text),
        "probabilities": list(record.probabilities),
    }


def sha256_of_text(text: str) -> str:
    """Equal for texts that are one to the model; the model sees their normal form."""
    return hashlib.sha256(normalise(text).encode()).hexdigest()
