"""Predictions to write, params to write them by, and what the store then holds."""

import datetime
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Engine, select

from serving.params import PredictionLogParams
from serving.store.policy import Policy
from serving.store.records import PredictionRecord
from serving.store.tables import PREDICTIONS
from tasks.privacy import PrivacyParams

PARAMS = PredictionLogParams(
    url="sqlite:///live/store.db", url_from="FLYWHEEL_STORE", keep="text", max_waiting=10_000,
    keep_days=0,
)  # fmt: skip
PRIVACY = PrivacyParams(
    mask=("email", "phone", "iban", "card", "ip"), phone_regions=("US", "GB", "DE"),
    raters="pseudonym",
)  # fmt: skip
POLICY = Policy("text", PRIVACY)
MOMENT = datetime.datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=datetime.UTC)


def make_record(number: int, **changes: Any) -> PredictionRecord:
    record = PredictionRecord(
        prediction_id=f"p{number:06}", created_at=MOMENT, client=None, model_version="v1.0.0",
        role="live", text=f"text {number}", label="good", probabilities=[0.25, 0.75],
        latency_ms=1.5,
    )  # fmt: skip
    return record._replace(**changes)


def read_rows(engine: Engine) -> dict[str, Mapping[str, Any]]:
    with engine.connect() as connection:
        rows = connection.execute(select(PREDICTIONS)).mappings().all()
    return {row["prediction_id"]: row for row in rows}
