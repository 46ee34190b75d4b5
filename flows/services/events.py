"""Events that the server is known to have: `emit_event` sends them some time later."""

from collections.abc import Sequence

import httpx
from prefect.client.orchestration import get_client
from prefect.events import Event, RelatedResource
from prefect.runtime import flow_run


def send_events(events: Sequence[Event]) -> str:
    """All of them, or none and why; "" when the server has taken them."""
    if not events:
        return ""
    try:
        with get_client(sync_client=True) as client:
            content = [event.model_dump(mode="json") for event in events]
            client.request("POST", "/events", json=content)
    except httpx.HTTPError as error:
        return f"Prefect's server did not take it ({' '.join(str(error).split())})"
    return ""


def this_run() -> list[RelatedResource]:
    """So that an event's page leads to the flow run that sent it."""
    resource = {
        "prefect.resource.id": f"prefect.flow-run.{flow_run.id}",
        "prefect.resource.role": "flow-run",
        "prefect.resource.name": str(flow_run.name),
    }
    return [RelatedResource.model_validate(resource)]
