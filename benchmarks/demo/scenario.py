"""What is withheld at first, who answers, and which params make nights of minutes."""

from pathlib import Path
from typing import Any, NamedTuple

# A night's traffic comes within minutes, and two trainings follow at once.
HURRIED = {
    "monitor.num_windows": 1,
    "monitor.persistence": 1,
    "retrain_policy.cooldown_hours": 0.0,
    "serving.feedback.per_rater_per_minute": 100_000.0,
    "serving.feedback.rater_burst": 100_000,
}


class Scenario(NamedTuple):
    """One proof; the source named `withheld` comes in through the live service alone."""

    checkout: Path  # that is cloned
    folder: Path  # that gets the clone, the figures and the picture
    withheld: str
    num_people: int  # whose votes the withheld source's are, dealt out
    votes_per_text: int
    num_turns: int
    params: dict[str, Any]  # by key with dots, on top of the checkout's
    bounds: dict[str, dict[str, Any]]  # arguments of rules of section validate, likewise
    min_gain: float  # macro F1 on held-out texts of the withheld source, first turn to second
    max_loss: float  # on the other sources


class Sent(NamedTuple):
    """A correction that the service has acknowledged."""

    event_id: str
    prediction_id: str
    text: str
    rater: str
    label: str
