"""The decision about a training in the UI: what was decided, why, and the figures it rests on."""

from datetime import datetime

from flows.pages.markdown import escaped, page, section
from flows.retrain_evidence import Found
from tasks.retrain_policy.decide import Case, Decision, expected_cost, spent

_HOUR = 3600
_SHOWN = 12  # characters of a sha256


def retrain_page(decision: Decision, found: Found, case: Case, event_evidence: str) -> str:
    return page(
        f"**{decision.kind.capitalize()}**: {escaped(decision.reason, 500)}",
        section("Evidence", ("what", "found"), _evidence_rows(decision, found, event_evidence)),
        section("Cost", ("what", "hours", "dollars"), _cost_rows(case)),
        section("Trainings of this policy, newest first", ("started", "run", "outcome", "release",
                "hours"), _training_rows(case)),
    )  # fmt: skip


def _evidence_rows(decision: Decision, found: Found, event_evidence: str) -> list[tuple[str, str]]:
    evidence = found.evidence
    return [
        ("asked by", evidence.asked_by + (", by force" if evidence.is_forced else "")),
        ("new corrections", f"{evidence.num_new:,}, in {evidence.num_new_events:,} events"),
        ("held in quarantine", f"{evidence.num_held:,}"),
        ("data, params or code changed", "yes" if evidence.has_changed_inputs else "no"),
        ("stages to look at", ", ".join(found.stale) or "none"),
        ("accepted partitions", f"{len(found.partitions):,}"),
        ("this evidence", decision.evidence_id[:_SHOWN]),
        ("told by the monitor, and stands", _standing(found)),
        ("evidence of the event", event_evidence[:_SHOWN] or "none"),
    ]


def _standing(found: Found) -> str:
    shown = (f"{event} ({evidence[:_SHOWN]})" for event, evidence in found.standing.items())
    return ", ".join(shown) or "nothing"


def _cost_rows(case: Case) -> list[tuple[str, str, str]]:
    budget = case.params.budget
    so_far = spent(case.history, case.params, case.now)
    coming = expected_cost(case)
    return [
        (
            f"spent in {budget.days:g} days",
            f"{so_far.seconds / _HOUR:.2f}",
            f"{so_far.dollars:.2f}",
        ),
        (
            f"expected of the next, {_basis(case)}",
            f"{coming.seconds / _HOUR:.2f}",
            f"{coming.dollars:.2f}",
        ),
        ("budget", f"{budget.hours:.2f}", f"{budget.dollars:.2f}"),
    ]


def _basis(case: Case) -> str:
    if any(one.outcome == "finished" for one in case.history):
        return "as measured"
    return "a guess of params" if case.planned_seconds is None else "by the planner"


def _training_rows(case: Case) -> list[tuple[str, str, str, str, str]]:
    return [
        (
            _minute(one.started.at), one.started.run, one.outcome,
            (one.ended.version if one.ended else None) or "none", f"{one.seconds / _HOUR:.2f}",
        )
        for one in reversed(case.history)
    ]  # fmt: skip


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"
