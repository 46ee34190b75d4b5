"""A training that the policy decides on, and its record: before, after, whatever lies between."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import filelock
from prefect import State
from prefect.events import emit_event
from prefect.logging import get_run_logger
from prefect.runtime import flow_run

from flows import released
from flows.checkout.lock import STATE, kernel_lock
from flows.checkout.overrides import overridden
from flows.flywheel import turn
from flows.retrain_evidence import Found, gather
from flows.stage_task import would_stop_again
from tasks.errors import TemporaryError
from tasks.params import load_params
from tasks.plan.estimate import seconds_here
from tasks.release.known import find_release
from tasks.releases import LIVE, Place
from tasks.retrain_policy import history
from tasks.retrain_policy.decide import (
    Case,
    Decision,
    asking,
    decide,
    dollars_of,
    expected_cost,
)
from tasks.retrain_policy.history import AskedBy, Decided, Ended, Outcome, Started
from tasks.retrain_policy.params import RetrainPolicyParams
from tasks.stage import RECORDS

HISTORY = LIVE / history.HISTORY


class Asked(NamedTuple):
    """How a run of the policy came to be."""

    by: AskedBy
    event_evidence: str
    is_forced: bool
    overrides: Sequence[str]


class Considered(NamedTuple):
    case: Case
    found: Found
    decision: Decision


@contextlib.contextmanager
def alone(seconds: float) -> Iterator[None]:
    """From evidence to outcome, so that two who ask at once are answered one after the other."""
    lock = kernel_lock(STATE / "retrain.lock")
    try:
        lock.acquire(timeout=seconds)
    except filelock.Timeout:
        raise TemporaryError(
            f"nightly-retrain: another run of it is still at work after {seconds:g} s of waiting. "
            "Let it end or cancel it, then run again."
        ) from None
    try:
        yield
    finally:
        lock.release()


def consider(asked: Asked) -> Considered:
    """Called under the checkout's lock."""
    past = history.trainings(history.read(HISTORY))
    with overridden(asked.overrides, get_run_logger().info):
        params = load_params("retrain_policy", RetrainPolicyParams)
        planned_seconds = seconds_here(RECORDS / "plan")
        found = gather(asked.by, asked.is_forced, past)
    case = Case(found.evidence, past, params, datetime.now(UTC), planned_seconds)
    return Considered(case, found, decide(case))


def record(asked: Asked, considered: Considered) -> None:
    """The decision goes into the history; a person who is needed is told so once."""
    kind, reason, evidence_id = considered.decision
    before = history.last_decision(history.read(HISTORY))
    taken_over = considered.found.standing.get(asking(considered.case), "")
    history.append(
        HISTORY,
        Decided(
            what="decided", at=considered.case.now, run_id=str(flow_run.id), run=str(flow_run.name),
            asked_by=asked.by, event_evidence=asked.event_evidence or taken_over, kind=kind,
            reason=reason, evidence_id=evidence_id,
        ),
    )  # fmt: skip
    is_known = before and (before.kind, before.evidence_id) == (kind, evidence_id)
    if kind == "block" and not is_known:
        name = "retrain-policy"
        resource = {"prefect.resource.id": f"flywheel.{name}", "prefect.resource.name": name}
        payload = {"message": reason, "evidence": evidence_id}
        emit_event("flywheel.blocked", resource=resource, payload=payload)


def train(asked: Asked, considered: Considered) -> State[Any]:
    """The run of the graph, within this flow run; how it ends is written down in any case.

    Called under the same lock as `consider`: what is trained is what was decided on.
    """
    case, cost = considered.case, expected_cost(considered.case)
    run_id, began = str(flow_run.id), time.monotonic()
    history.append(
        HISTORY,
        Started(
            what="started", at=case.now, run_id=run_id, run=str(flow_run.name),
            evidence_id=considered.decision.evidence_id, partitions=considered.found.partitions,
            expected_seconds=cost.seconds, expected_dollars=cost.dollars,
        ),
    )  # fmt: skip
    outcome: Outcome = "interrupted"
    message = "it was cancelled, or met an error that nobody foresaw"
    try:
        state: State[Any] = turn((), "", asked.is_forced, asked.overrides)
        message = state.message or ""
        outcome = _outcome(state.is_completed(), message)
        return state
    finally:
        seconds = time.monotonic() - began
        history.append(
            HISTORY,
            Ended(
                what="ended", at=datetime.now(UTC), run_id=run_id, outcome=outcome, seconds=seconds,
                dollars=dollars_of(seconds, case.params), message=message,
                version=_version() if outcome == "finished" else None,
            ),
        )  # fmt: skip


def _outcome(is_completed: bool, message: str) -> Outcome:
    if is_completed:
        return "finished"
    return "stopped" if would_stop_again(message) else "failed"


def _version() -> str | None:
    release = find_release(Place(LIVE), released.bundle_sha256() or None)
    return release.version if release else None
