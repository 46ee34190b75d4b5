"""What a look at the live side found: the form of report.json, for people and programs."""

from typing import Annotated

from pydantic import AwareDatetime, Field

from tasks.documents import Document

REPORT, PAGE, GAUGES = "report.json", "report.html", "gauges.json"
NOTHING_YET = "nothing to watch yet"
INPUTS, PREDICTIONS, QUALITY = "inputs", "predictions", "quality"  # a finding's name begins so
_Share = Annotated[float, Field(ge=0, le=1)]


class Held(Document):
    """A finding in one window; `holds` null: too few rows to say."""

    num_rows: int
    value: float | None  # how large the difference is, in the finding's measure
    p: float | None  # chance of as much without any difference; corrected for how many were tried
    divergence: float | None  # Jensen-Shannon distance of binned values, 0 to 1
    holds: bool | None


class Finding(Document):
    """One question asked of every window; `fired` when it held in enough of them."""

    name: str  # such as inputs.words, predictions.classes, quality.level
    part: str  # "": the whole; else such as "slice negation" or "client 3f2a"
    measure: str
    bound: float | None  # that the value must pass; null: there was nothing to compare with
    windows: list[Held]  # oldest first
    num_held: int
    fired: bool
    tells: bool  # whether an event is made of it

    @property
    def title(self) -> str:
        return f"{self.name} of {self.part}" if self.part else self.name

    @property
    def is_judged(self) -> bool:
        return any(held.holds is not None for held in self.windows)


class Seen(Document):
    """A window: what came in it."""

    start: AwareDatetime
    end: AwareDatetime
    num_predictions: int
    num_compared: int  # of the sample that drift is judged by
    by_version: dict[str, int]
    by_client: dict[str, int]
    latency_p50_ms: float | None
    latency_p99_ms: float | None
    unknown_token_rate: _Share | None


class Quality(Document):
    """Predictions against corrections, of one window, version and part.

    People correct what is wrong: `accuracy` is of the corrected alone, `at_most` counts every other
    prediction as right. The truth lies between them where corrections are not a random sample.
    """

    window: int  # index into the report's windows
    version: str
    part: str
    num_predictions: int
    num_corrected: int
    coverage: _Share
    accuracy: _Share | None
    low: _Share | None  # Wilson's interval of the accuracy
    high: _Share | None
    at_most: _Share | None
    at_most_high: _Share | None  # upper end of its interval
    macro_f1: _Share | None
    macro_f1_low: _Share | None
    macro_f1_high: _Share | None
    delay_hours: float | None  # median, from prediction to its first correction


class Change(Document):
    """Where the stream of right and wrong answers changed, as ADWIN saw it last."""

    at: AwareDatetime
    before: _Share
    after: _Share


class Alert(Document):
    """What an event is to say; the same evidence is told once."""

    event: str
    evidence: str  # sha256 of event, findings, version and window
    version: str  # the release it is about
    findings: list[str]
    message: str
    figures: dict[str, float]


class Report(Document):
    """Pure in store, reference, params and `at`."""

    at: AwareDatetime
    status: str
    version: str | None  # what is live
    test_accuracy: _Share | None  # of what is live, on the reference
    windows: list[Seen]  # oldest first
    findings: list[Finding]
    quality: list[Quality]
    change: Change | None
    error_share: _Share | None  # of the running service's requests since it loaded the release
    num_labels_waiting: int  # accepted or waiting corrections no release has learnt from
    num_since_release: int  # predictions
    alerts: list[Alert]
    notes: list[str]
