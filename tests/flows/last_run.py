"""What a Prefect server says of the last run of the flow."""

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import FlowRun, TaskRun
from prefect.client.schemas.sorting import FlowRunSort, TaskRunSort

FLYWHEEL = ["python", "-m", "flows.flywheel"]


def last_run() -> tuple[FlowRun, dict[str, TaskRun]]:
    with get_client(sync_client=True) as client:
        flow_run = client.read_flow_runs(sort=FlowRunSort.START_TIME_DESC, limit=1)[0]
        tasks = client.read_task_runs(
            flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[flow_run.id])),
            sort=TaskRunSort.EXPECTED_START_TIME_ASC,
        )
    return flow_run, {task.name: task for task in tasks}


def states(tasks: dict[str, TaskRun]) -> dict[str, str]:
    return {name: task.state_name or "" for name, task in tasks.items()}
