"""What the monitor finds starts `nightly-retrain`: one automation for each of its events."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.events.actions import RunDeployment
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.exceptions import ObjectNotFound

from flows.services.automations import TAG

DEPLOYMENT = "nightly-retrain/nightly-retrain"
EVENTS = {
    "drift": "flywheel.drift.detected",
    "quality": "flywheel.quality.dropped",
    "labels": "flywheel.labels.ready",
    "volume": "flywheel.volume.reached",
}  # by what the flow calls them


def retrain_automations(
    client: SyncPrefectClient, warn: Callable[[str], None]
) -> list[AutomationCore]:
    """None where a person has taken the deployment out of prefect.yaml."""
    try:
        deployment = client.read_deployment_by_name(DEPLOYMENT)
    except ObjectNotFound:
        warn(f"no deployment {DEPLOYMENT}: what the monitor finds starts nothing")
        return []
    return [_automation(event, name, deployment.id) for event, name in EVENTS.items()]


def _automation(event: str, name: str, deployment: UUID) -> AutomationCore:
    evidence = {"__prefect_kind": "jinja", "template": "{{ event.payload.evidence }}"}
    return AutomationCore(
        name=f"flywheel: {name} starts nightly-retrain",
        tags=[TAG],
        trigger=EventTrigger(
            expect={name}, posture=Posture.Reactive, threshold=1, within=timedelta(0)
        ),
        actions=[
            RunDeployment(
                source="selected",
                deployment_id=deployment,
                parameters={"event": event, "evidence": evidence},
            )
        ],
    )
