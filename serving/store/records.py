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


class Correction(NamedTuple):
    """A person's answer to a prediction, as it came in."""

    event_id: str
    received_at: datetime.datetime  # UTC
    prediction_id: str
    client: str | None  # key_id; None: keys are off
    rater: str | None
    label: str | None  # None: the prediction is right
    comment: str | None
    classes: Sequence[str]  # that a label may be


Verdict = Literal[
    "stored",
    "repeated",  # the same was stored before
    "conflict",  # something else was, under this event_id
    "unknown",  # there is no such prediction
    "late",
    "no_class",  # the label is none of the classes
    "unfit",  # no database takes what is in it
]


class Outcome(NamedTuple):
    """What became of a correction."""

    verdict: Verdict
    label: str = ""  # as stored


class LogState(NamedTuple):
    """What became of the predictions so far."""

    written: int
    dropped: int  # there was no room for them
    refused: int  # no database takes what is in them
    waiting: int
    problem: str  # that keeps them waiting, in one line; "": none
