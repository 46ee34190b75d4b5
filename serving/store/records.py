"""What the service hands to the prediction log, and what the log says of itself."""

import datetime
from collections.abc import Sequence
from typing import Literal, NamedTuple


class PredictionRecord(NamedTuple):
    """One text answered (or, as a shadow, only scored)."""

    prediction_id: str
    created_at: datetime.datetime  # UTC
    client: str | None  # key_id; None: keys are off
    model_version: str
    role: Literal["live", "canary", "shadow"]
    text: str
    label: str
    probabilities: Sequence[float]  # in the order of the label set
    latency_ms: float


class LogState(NamedTuple):
    """What became of the predictions so far."""

    written: int
    dropped: int  # there was no room for them
    refused: int  # no database takes what is in them
    waiting: int
    problem: str  # that keeps them waiting, in one line; "": none
