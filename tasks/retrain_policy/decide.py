"""Train, skip or block: a pure function of evidence, history, params and the time."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from tasks.artifacts import json_bytes
from tasks.retrain_policy.history import AskedBy, Kind, Training
from tasks.retrain_policy.params import RetrainPolicyParams

_SECONDS_PER_HOUR = 3600
_FORCE = "to train all the same: force"


class Evidence(NamedTuple):
    """What speaks for a training, or against it."""

    asked_by: AskedBy
    is_forced: bool
    evidence_id: str
    num_new: int  # accepted corrections not yet learnt from; of a person and text only the newest
    num_new_events: int  # that they came in, repetitions included
    num_held: int  # events that wait for a person
    has_changed_inputs: bool  # data, params or code, new corrections aside
    standing: tuple[AskedBy, ...]  # events of the monitor that were told and have not cleared


class Cost(NamedTuple):
    seconds: float
    dollars: float


class Decision(NamedTuple):
    kind: Kind
    reason: str
    evidence_id: str


class Case(NamedTuple):
    """All that a decision rests on."""

    evidence: Evidence
    history: Sequence[Training]
    params: RetrainPolicyParams
    now: datetime
    planned_seconds: float | None  # to train, by the planner; None: it was not asked


_Found = tuple[Kind, str] | None


def evidence_id_of(partitions: Iterable[str], graph_sha256: str) -> str:
    """The same corrections under the same graph are the same evidence, whoever asks, and when."""
    content = json_bytes({"graph": graph_sha256, "partitions": sorted(partitions)})
    return hashlib.sha256(content).hexdigest()


def decide(case: Case) -> Decision:
    """The first rule that has something to say decides; where none has, the model is trained."""
    evidence = case.evidence
    rules = (_force, _nothing_new, _known, _held, _too_few, _cooldown, _budget)
    kind, reason = next(filter(None, (rule(case) for rule in rules)), ("train", _why(case)))
    return Decision(kind, reason, evidence.evidence_id)


def asking(case: Case) -> AskedBy:
    """Who asks, or what stands and wants fewer corrections: an event that came to nothing is not
    told again, so whoever comes next asks in its name, too."""
    evidence = case.evidence
    if evidence.asked_by == "hand":
        return "hand"
    wanted = case.params.min_new_corrections.model_dump()
    return min((evidence.asked_by, *evidence.standing), key=lambda event: int(wanted[event]))


def expected_cost(case: Case) -> Cost:
    """Of the next training: the longest of the newest that came to an end, all stages together.

    Before there is one, what the planner says, of train alone; where it was not asked, a guess.
    """
    budget = case.params.budget
    finished = [one for one in case.history if one.outcome == "finished"][-budget.num_measured :]
    guessed = budget.first_hours * _SECONDS_PER_HOUR
    first = guessed if case.planned_seconds is None else case.planned_seconds
    seconds = max((one.seconds for one in finished), default=first)
    return Cost(seconds, dollars_of(seconds, case.params))


def spent(history: Sequence[Training], params: RetrainPolicyParams, now: datetime) -> Cost:
    """By all trainings within the budget's days; those after now, by a clock that jumped, too."""
    near = [one for one in history if _apart(one, now) < timedelta(days=params.budget.days)]
    return Cost(sum(one.seconds for one in near), sum(one.dollars for one in near))


def dollars_of(seconds: float, params: RetrainPolicyParams) -> float:
    return seconds / _SECONDS_PER_HOUR * params.budget.dollars_per_hour


def _force(case: Case) -> _Found:
    return ("train", "asked for, by force") if case.evidence.is_forced else None


def _nothing_new(case: Case) -> _Found:
    if case.evidence.num_new or case.evidence.has_changed_inputs:
        return None
    return "skip", "nothing to do: no new corrections, and data, params and code are as they were"


def _known(case: Case) -> _Found:
    """Training again gives the same; what was only interrupted may go on."""
    known = [one for one in case.history if one.started.evidence_id == case.evidence.evidence_id]
    for one in known:
        where = f"run {one.started.run}, {one.started.at:%Y-%m-%d %H:%M} UTC"
        if one.outcome == "finished":
            return "skip", f"trained on the same evidence before ({where}); {_FORCE}"
        if one.outcome == "stopped":
            return "block", (
                f"a stage refused the same data before ({where}) and would again. Mend what that "
                f"run names; {_FORCE}"
            )
    if len(known) < case.params.max_attempts:
        return None
    return "block", (
        f"{len(known)} trainings on the same evidence came to no end, the last in run "
        f"{known[-1].started.run}. See its log; {_FORCE}"
    )


def _held(case: Case) -> _Found:
    bound, evidence = case.params.held, case.evidence
    share = evidence.num_held / max(1, evidence.num_held + evidence.num_new_events)
    if evidence.num_held < bound.min_events or share <= bound.max_share:
        return None
    return "block", (
        f"{evidence.num_held:,} events are held in quarantine, {share:.0%} of the new ones; "
        f"at most {bound.max_share:.0%} may be. Look at them and release or reject them "
        f"(deployment release-feedback); {_FORCE}"
    )


def _too_few(case: Case) -> _Found:
    found, least = case.evidence.num_new, asking(case)
    if case.evidence.has_changed_inputs or least == "hand":
        return None
    wanted: int = getattr(case.params.min_new_corrections, least)
    if found >= wanted:
        return None
    asks = f"{case.evidence.asked_by} asks{_while(case)}"
    return "skip", f"{found:,} new corrections; {wanted:,} are wanted when {asks}"


def _cooldown(case: Case) -> _Found:
    """By the distance in time, so that a clock that was wrong once neither waives nor blocks it."""
    pause = timedelta(hours=case.params.cooldown_hours)
    near = [one for one in case.history if _apart(one, case.now) < pause]
    if not near or case.evidence.asked_by == "hand":
        return None
    started = near[-1].started
    return "skip", (
        f"run {started.run} trained at {started.at:%Y-%m-%d %H:%M} UTC; between two trainings are "
        f"{case.params.cooldown_hours:g} h"
    )


def _budget(case: Case) -> _Found:
    budget, so_far = case.params.budget, spent(case.history, case.params, case.now)
    coming = expected_cost(case)
    hours = (so_far.seconds + coming.seconds) / _SECONDS_PER_HOUR
    dollars = so_far.dollars + coming.dollars
    if hours <= budget.hours and dollars <= budget.dollars:
        return None
    return "skip", (
        f"with the next training {hours:.2f} h and {dollars:,.2f} dollars would be spent within "
        f"{budget.days:g} days; {budget.hours:g} h and {budget.dollars:,.2f} dollars may be"
    )


def _why(case: Case) -> str:
    evidence = case.evidence
    news = [f"{evidence.num_new:,} new corrections"] if evidence.num_new else []
    news += ["changed data, params or code"] if evidence.has_changed_inputs else []
    return f"{' and '.join(news)}; asked by {evidence.asked_by}{_while(case)}"


def _while(case: Case) -> str:
    event = asking(case)
    return "" if event == case.evidence.asked_by else f" while {event} stands"


def _apart(training: Training, now: datetime) -> timedelta:
    return abs(now - training.started.at)
