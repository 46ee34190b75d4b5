"""Evidence, params and trainings to decide by."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tasks.params import load_params
from tasks.retrain_policy.decide import Case, Decision, Evidence, decide
from tasks.retrain_policy.history import Ended, Outcome, Started, Training
from tasks.retrain_policy.params import RetrainPolicyParams
from tests.project import REPOSITORY

NOW = datetime(2026, 11, 26, 2, tzinfo=UTC)
SHIPPED = load_params("retrain_policy", RetrainPolicyParams, REPOSITORY / "params.yaml")
ENOUGH = Evidence(
    "schedule",
    False,
    "e1",
    num_new=100,
    num_new_events=100,
    num_held=0,
    has_changed_inputs=False,
    standing=(),
)


def params(**changes: Any) -> RetrainPolicyParams:
    """As shipped, but for these keys, of the section or of its budget."""
    tree = SHIPPED.model_dump()
    for key, value in changes.items():
        (tree["budget"] if key in tree["budget"] else tree)[key] = value
    return RetrainPolicyParams.model_validate(tree)


def training(
    hours_ago: float, outcome: Outcome | None = "finished", evidence_id: str = "e0", **cost: float
) -> Training:
    """Without an outcome it was killed."""
    at = NOW - timedelta(hours=hours_ago)
    run = f"run-{hours_ago:g}"
    started = Started(
        what="started", at=at, run_id=run, run=run, evidence_id=evidence_id, partitions=(),
        expected_seconds=cost.get("expected", 600.0), expected_dollars=cost.get("dollars", 0.0),
    )  # fmt: skip
    if outcome is None:
        return Training(started, None)
    ended = Ended(
        what="ended", at=at, run_id=run, outcome=outcome, seconds=cost.get("seconds", 600.0),
        dollars=cost.get("dollars", 0.0), version=None, message="",
    )  # fmt: skip
    return Training(started, ended)


def ask(*history: Training, to: RetrainPolicyParams = SHIPPED, **changes: Any) -> Decision:
    """The decision on enough new corrections, but for what is changed of that evidence."""
    return decide(Case(ENOUGH._replace(**changes), history, to, NOW, planned_seconds=None))
