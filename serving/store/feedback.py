"""Corrections into their table: judged, then added; all of a batch or none, none of them twice."""

import datetime
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, select

from serving.store.engine import writing
from serving.store.insert import insert_new
from serving.store.policy import Policy, hash_text, text_to_learn_from
from serving.store.records import Correction, Outcome, PredictionRecord
from serving.store.tables import FEEDBACK, PREDICTIONS
from tasks.privacy import mask, pseudonym
from tasks.text import normalise

_FACTS = ("prediction_id", "created_at", "role", "label", "model_version", "text", "text_sha256")
Row = Mapping[str, Any]


class Rules(NamedTuple):
    """What is taken, and what is kept of it."""

    max_age: datetime.timedelta  # of the prediction
    policy: Policy


class _Seen(NamedTuple):
    """What the store and the log hold that these corrections are about."""

    predictions: Mapping[str, Row]  # by prediction_id
    events: dict[str, Row]  # by event_id


def store_corrections(
    engine: Engine,
    corrections: Sequence[Correction],
    waiting: Mapping[str, PredictionRecord],
    rules: Rules,
) -> list[Outcome]:
    """When this returns, those stored are on the disk. `waiting`: predictions not there yet."""
    seen = _look(engine, corrections, waiting, rules.policy)
    outcomes, rows = [], []
    for correction in corrections:
        outcome, row = _judge(correction, seen, rules)
        outcomes.append(outcome)
        if row is not None:
            rows.append(row)
            seen.events[correction.event_id] = row
    lost = _insert(engine, rows) if rows else {}
    return [
        _compare(correction, lost[correction.event_id], rules.policy)
        if correction.event_id in lost
        else outcome
        for correction, outcome in zip(corrections, outcomes, strict=True)
    ]


def _insert(engine: Engine, rows: list[Row]) -> dict[str, Row]:
    """Returns the events that another process has stored under the same ids meanwhile."""
    rows.sort(key=lambda row: row["event_id"])  # two processes wait in turn, not for each other
    statement = insert_new(engine, FEEDBACK, "event_id").returning(FEEDBACK.c.event_id)
    with writing(engine) as connection:
        stored = set(connection.execute(statement, rows).scalars())
        others = {row["event_id"] for row in rows} - stored
        return _read_events(connection, others) if others else {}


def _look(
    engine: Engine,
    corrections: Sequence[Correction],
    waiting: Mapping[str, PredictionRecord],
    policy: Policy,
) -> _Seen:
    found: dict[str, Row] = {
        key: record._asdict() | {"text_sha256": hash_text(record.text, policy)}
        for key, record in waiting.items()
    }
    missing = {correction.prediction_id for correction in corrections} - found.keys()
    columns = [PREDICTIONS.c[name] for name in _FACTS]
    query = select(*columns).where(PREDICTIONS.c.prediction_id.in_(missing))
    with engine.connect() as connection:
        rows = connection.execute(query).mappings() if missing else ()
        found |= {row["prediction_id"]: dict(row) for row in rows}
        events = _read_events(connection, {correction.event_id for correction in corrections})
    return _Seen(found, events)


def _read_events(connection: Connection, event_ids: Collection[str]) -> dict[str, Row]:
    query = select(FEEDBACK).where(FEEDBACK.c.event_id.in_(event_ids))
    return {row["event_id"]: dict(row) for row in connection.execute(query).mappings()}


def _judge(correction: Correction, seen: _Seen, rules: Rules) -> tuple[Outcome, Row | None]:
    """What was stored before counts first: repeating it is right for as long as anybody may."""
    if event := seen.events.get(correction.event_id):
        return _compare(correction, event, rules.policy), None
    prediction = seen.predictions.get(correction.prediction_id)
    if prediction is None or prediction["role"] == "shadow":  # its answers went to nobody
        return Outcome("unknown"), None
    if correction.received_at - prediction["created_at"] > rules.max_age:
        return Outcome("late"), None
    row = _to_row(correction, prediction, rules.policy)
    if row["label"] not in correction.classes:
        return Outcome("no_class", row["label"]), None
    return Outcome("stored", row["label"]), row


def _compare(correction: Correction, event: Row, policy: Policy) -> Outcome:
    label = event["predicted"] if correction.label is None else correction.label
    sent = {**_said_by(correction, policy), "label": label}
    is_same = all(event[name] == value for name, value in sent.items())
    return Outcome("repeated" if is_same else "conflict", event["label"])


def _to_row(correction: Correction, prediction: Row, policy: Policy) -> dict[str, Any]:
    predicted = prediction["label"]
    return {
        **_said_by(correction, policy),
        "event_id": correction.event_id,
        "received_at": correction.received_at,
        "label": predicted if correction.label is None else correction.label,
        "predicted": predicted,
        "model_version": prediction["model_version"],
        "predicted_at": prediction["created_at"],
        "text": text_to_learn_from(prediction["text"], policy),
        "text_sha256": prediction["text_sha256"],
    }


def _said_by(correction: Correction, policy: Policy) -> dict[str, Any]:
    """What of it was the client's to say, as it is kept."""
    rater, comment, privacy = correction.rater, correction.comment, policy.privacy
    if rater is not None and privacy.raters == "pseudonym":
        rater = pseudonym(correction.client, rater)
    return {
        "prediction_id": correction.prediction_id,
        "client": correction.client,
        "rater": rater,
        "comment": None if comment is None else mask(normalise(comment), privacy),
    }
