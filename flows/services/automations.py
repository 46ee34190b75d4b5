"""Prefect automations of this project: dead runs marked, and the upkeep of all of them."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import Automation, AutomationCore, EventTrigger, Posture

TAG = "flywheel"  # marks the automations that `make up` owns
POOL = "local"
# From a run's last heartbeat (one in 30 s) to its end being noticed, less Prefect's 5 s of looking.
SILENCE_SECONDS = 75
# A worker needs some seconds from taking a run to starting it; a busy machine a minute.
PENDING_SECONDS = 150
_MOST = 200  # automations read at once: the server's own limit
_HEARTBEAT = "prefect.flow-run.heartbeat"
_WAITING = ("Pending", "Submitting")
_RUNNING = ("Running", "Retrying")  # a run may be killed before its first heartbeat has left
# After these no heartbeat is due. Not a wildcard: `Running`, arriving after the first heartbeat,
# would then count as the second. A flow's own name for its last state must stand here, too.
_AT_REST = (
    "Completed", "Failed", "Crashed", "Cancelled", "Cancelling", "TimedOut", "RolledBack",
    "Blocked", "Paused", "Suspended", "AwaitingRetry", "Scheduled",
    "AwaitingConcurrencySlot", "Late",
)  # fmt: skip


def dead_runs() -> list[AutomationCore]:
    """Runs whose process is gone without a word, from the first state to the last."""
    silent = _watch([_HEARTBEAT, *_events(_RUNNING)], expect=[_HEARTBEAT, *_events(_AT_REST)])
    stuck = _watch(_events(_WAITING), expect=[_HEARTBEAT, *_events((*_RUNNING, *_AT_REST))])
    return [
        _mark_crashed(
            "flywheel: a run without heartbeat is Crashed",
            EventTrigger(**silent, within=timedelta(seconds=SILENCE_SECONDS)),
            f"no sign of life for {SILENCE_SECONDS} s: its process was killed, its machine or the "
            "network is down. Nothing half-written was kept; start it again.",
        ),
        _mark_crashed(
            "flywheel: a run that never started is Crashed",
            EventTrigger(
                **stuck,
                match_related={
                    "prefect.resource.role": "work-pool", "prefect.resource.name": POOL,
                },
                within=timedelta(seconds=PENDING_SECONDS),
            ),
            f"taken by a worker, and not running {PENDING_SECONDS} s later: the worker was killed. "
            "`make up` starts a new one; start the run again.",
        ),
    ]  # fmt: skip


def apply(client: SyncPrefectClient, wanted: Iterable[AutomationCore]) -> None:
    """Create what is missing, update what differs, remove what is ours and no longer wanted."""
    for left in ensure(client, wanted):
        client.delete_automation(left.id)


def ensure(client: SyncPrefectClient, wanted: Iterable[AutomationCore]) -> list[Automation]:
    """Create what is missing, update what differs; returns the others that are ours."""
    present = {item.name: item for item in client.read_automations(limit=_MOST) if TAG in item.tags}
    for automation in wanted:
        old = present.pop(automation.name, None)
        if old is None:
            client.create_automation(automation)
        elif _content(old) != _content(automation):  # an update forgets what is being watched
            client.update_automation(old.id, automation)
    return list(present.values())


def _content(automation: AutomationCore) -> dict[str, Any]:
    return AutomationCore(**automation.model_dump()).model_dump()  # without the server's own id


def _watch(after: list[str], expect: list[str]) -> dict[str, Any]:
    return {
        "posture": Posture.Proactive,
        "match": {"prefect.resource.id": "prefect.flow-run.*"},
        "for_each": {"prefect.resource.id"},
        "after": set(after),
        "expect": set(expect),
        "threshold": 1,
    }


def _mark_crashed(name: str, trigger: EventTrigger, message: str) -> AutomationCore:
    action = ChangeFlowRunState(state=StateType.CRASHED, message=message)
    return AutomationCore(name=name, tags=[TAG], trigger=trigger, actions=[action])


def _events(states: Iterable[str]) -> list[str]:
    return [f"prefect.flow-run.{state}" for state in states]
