"""What the gate judges: both models' answers to the same rows, and what else was measured."""

from typing import NamedTuple

from tasks.bundle import Manifest
from tasks.evaluate.examples import Examples, Floats, Ints
from tasks.label_set import LabelSet
from tasks.verdict import Condition


class Measured(NamedTuple):
    """One model that loads and whose every answer is a number."""

    manifest: Manifest
    label_set: LabelSet
    probs: Floats  # (test rows, classes)
    holdout_probs: Floats | None  # (hold-out rows, classes); None: there is no hold-out
    pass_rates: dict[str, float | None]  # by behavioural check; None: no text that it would change
    milliseconds: float  # median for one text
    megabytes: float  # of the model file that is served

    @property
    def predicted(self) -> Ints:
        predicted: Ints = self.probs.argmax(axis=1)
        return predicted


class Broken(NamedTuple):
    """A bundle that cannot be scored, and which condition that breaks."""

    condition: str  # one of absolute.SOUND
    reason: str
    manifest: Manifest | None  # None: not even that could be read


class Rows(NamedTuple):
    """What both models answer."""

    test: Examples
    test_sha256: str
    holdout: Examples | None  # corrections of people that nobody learnt from


class Unscored(NamedTuple):
    """A champion that loads and is not asked: it has other classes, or the candidate is broken."""

    label_set: LabelSet


class Evidence(NamedTuple):
    num_rows: int  # of the test split
    rows: Rows | None  # None: the candidate is broken
    candidate: Measured | Broken
    champion: Measured | Unscored | Broken | None  # None: there is none yet
    ids: tuple[str, str | None]  # sha256 of the candidate's manifest and of the champion's
    data_gate: Condition
