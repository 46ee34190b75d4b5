"""Predictions into their table: all of a batch or none, and none of them twice."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Engine, Table
from sqlalchemy.dialects import postgresql, sqlite

from serving.store.engine import writing
from serving.store.policy import Policy, hash_text, text_as_sent
from serving.store.records import PredictionRecord
from serving.store.tables import PREDICTIONS


def insert_predictions(engine: Engine, records: Sequence[PredictionRecord], policy: Policy) -> None:
    """One transaction; a prediction that is there already stays, so a try can be repeated."""
    statement = insert_new(engine, PREDICTIONS, "prediction_id")
    rows = [_to_row(record, policy) for record in records]
    with writing(engine) as connection:
        connection.execute(statement, rows)


def insert_new(engine: Engine, table: Table, key: str) -> Any:
    """A statement that leaves rows alone whose key is there already."""
    make = sqlite.insert if engine.dialect.name == "sqlite" else postgresql.insert
    return make(table).on_conflict_do_nothing(index_elements=[key])


def _to_row(record: PredictionRecord, policy: Policy) -> dict[str, Any]:
    return record._asdict() | {
        "text": text_as_sent(record.text, policy),
        "text_sha256": hash_text(record.text, policy),
        "probabilities": list(record.probabilities),
    }
