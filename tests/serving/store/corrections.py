"""Corrections to store, the rules for them, and what the store then holds."""

import contextlib
import datetime
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Engine, select

from serving.store.feedback import Rules
from serving.store.feedback_log import FeedbackLog
from serving.store.records import Correction, PredictionRecord
from serving.store.tables import FEEDBACK
from tests.serving.store.predictions import MOMENT, POLICY

RULES = Rules(datetime.timedelta(days=90), POLICY)
CLASSES = ("bad", "good")
SECONDS = 20.0


def make_correction(number: int, **changes: Any) -> Correction:
    correction = Correction(
        event_id=event_id_of(number), received_at=MOMENT + datetime.timedelta(seconds=number),
        prediction_id=f"p{number:06}", client="k1", rater="ann", label="bad", comment=None,
        classes=CLASSES,
    )  # fmt: skip
    return correction._replace(**changes)


def event_id_of(number: int) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, str(number)))


def read_events(engine: Engine) -> dict[str, Mapping[str, Any]]:
    with engine.connect() as connection:
        rows = connection.execute(select(FEEDBACK)).mappings().all()
    events = {row["event_id"]: dict(row) for row in rows}
    assert len(events) == len(rows), "none is there twice"
    return events


@contextlib.contextmanager
def feedback_to(
    store: Engine, max_waiting: int = 1000, waiting: Mapping[str, PredictionRecord] | None = None
) -> Iterator[FeedbackLog]:
    log = FeedbackLog(store, RULES, max_waiting, lambda _: waiting or {})
    try:
        yield log
    finally:
        assert log.close(SECONDS) == 0
