"""Who is told of failures, promotions, drift...: Prefect's blocks and automations for it."""

import os
from collections.abc import Callable
from datetime import timedelta
from typing import cast
from uuid import UUID

from prefect.blocks.notifications import SlackWebhook
from prefect.blocks.webhook import Webhook
from prefect.client.orchestration import SyncPrefectClient
from prefect.events.actions import ActionTypes, CallWebhook, SendNotification
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture

from flows.services.automations import TAG
from flows.services.params import NotificationsParams, Receiver, Subject

PREFIX = "flywheel-"  # of the blocks that `make up` owns
# All but failures are events of our own with payload {"message": ...}, emitted in a run or outside.
_EVENTS: dict[Subject, str] = {
    "promotion": "flywheel.promotion",
    "refusal": "flywheel.refusal",
    "blocked": "flywheel.blocked",
    "drift": "flywheel.drift.detected",
    "quality": "flywheel.quality.dropped",
}
# Templates, filled in by the server.
_NAME = "(flow_run.name if flow_run else event.resource.name or event.resource.id)"
_LINK = "(flow_run | ui_url if flow_run else '')"


def apply_blocks(
    client: SyncPrefectClient, params: NotificationsParams, warn: Callable[[str], None]
) -> list[AutomationCore]:
    """Save a block per receiver, remove those no longer named; returns their automations."""
    reachable = [receiver for receiver in params.receivers if _has_address(receiver, warn)]
    blocks = {receiver.name: _save_block(receiver) for receiver in reachable}
    for kind in (Webhook, SlackWebhook):
        for block in client.read_block_documents_by_type(kind.get_block_type_slug()):
            if (block.name or "").startswith(PREFIX) and block.id not in blocks.values():
                client.delete_block_document(block.id)
    return [
        _automation(receiver, subject, blocks[receiver.name])
        for receiver in reachable
        for subject in receiver.about
    ]


def _has_address(receiver: Receiver, warn: Callable[[str], None]) -> bool:
    if os.environ.get(receiver.address_from):
        return True
    warn(
        f"notifications: {receiver.name} is left out, since the environment has no "
        f"{receiver.address_from}; set it to the address, then: make up"
    )
    return False


def _save_block(receiver: Receiver) -> UUID:
    address = os.environ[receiver.address_from]
    block: Webhook | SlackWebhook
    if receiver.kind == "webhook":
        block = Webhook(url=address, headers={"Content-Type": "application/json"})
    else:
        # Slack's block hands any address but Slack's to Apprise as it is, mailto://... among them;
        # Prefect's other blocks for e-mail want an account at Sendgrid, or another package.
        block = SlackWebhook(url=address)
    return cast(UUID, block.save(PREFIX + receiver.name, overwrite=True))  # no loop runs here


def _automation(receiver: Receiver, subject: Subject, block: UUID) -> AutomationCore:
    return AutomationCore(
        name=f"flywheel: tell {receiver.name} of each {subject}",
        tags=[TAG],
        trigger=_trigger(subject),
        actions=[_action(receiver, subject, block)],
    )


def _trigger(subject: Subject) -> EventTrigger:
    at_once = timedelta(0)
    if event := _EVENTS.get(subject):
        return EventTrigger(expect={event}, posture=Posture.Reactive, threshold=1, within=at_once)
    return EventTrigger(
        expect={"prefect.flow-run.*"},  # a state's name may be anything; its type is in the label
        match={
            "prefect.resource.id": "prefect.flow-run.*",
            "prefect.state-type": ["FAILED", "CRASHED"],
        },
        posture=Posture.Reactive,
        threshold=1,
        within=at_once,
    )


def _action(receiver: Receiver, subject: Subject, block: UUID) -> ActionTypes:
    message = "event.payload.message" if subject in _EVENTS else "flow_run.state.message"
    if receiver.kind == "webhook":
        fields = {"name": _NAME, "message": message, "link": _LINK}
        parts = [f'"{key}": {{{{ {value} | tojson }}}}' for key, value in fields.items()]
        payload = "{" + ", ".join([f'"subject": "{subject}"', *parts]) + "}"
        return CallWebhook(block_document_id=block, payload=payload)
    return SendNotification(
        block_document_id=block,
        subject=f"flywheel: {subject}: {{{{ {_NAME} }}}}",
        body=f"{{{{ {message} }}}}\n\n{{{{ {_LINK} }}}}",
    )
