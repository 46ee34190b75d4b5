"""Whether a late run still has work to do, or a newer one of its deployment is due already."""

from datetime import UTC, datetime

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.runtime import flow_run

_ALIVE = [StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING]


def newer_run_due() -> str | None:
    """Name of a scheduled run of this run's deployment that is due, too, and was due later.

    After a machine has slept, all its missed runs start at once; only the newest has work to do.
    """
    with get_client(sync_client=True) as client:
        own = client.read_flow_run(flow_run.id)
        if not (own.deployment_id and own.auto_scheduled and own.expected_start_time):
            return None
        due = client.read_flow_runs(
            flow_run_filter=FlowRunFilter(
                deployment_id=FlowRunFilterDeploymentId(any_=[own.deployment_id]),
                expected_start_time=FlowRunFilterExpectedStartTime(
                    after_=own.expected_start_time, before_=datetime.now(UTC)
                ),
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=_ALIVE)),
            ),
            sort=FlowRunSort.EXPECTED_START_TIME_DESC,
        )
    # after_ takes the same instant in, and this run with it
    return next((run.name for run in due if run.auto_scheduled and run.id != own.id), None)
