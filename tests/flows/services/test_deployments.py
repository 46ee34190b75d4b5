from datetime import datetime, timedelta

import pytest
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.sorting import FlowRunSort

from tests.flows.services.place import Place, wait_for

pytestmark = pytest.mark.slow


def test_the_schedule_has_made_the_coming_nights_runs(place: Place) -> None:
    def planned() -> list[datetime]:
        with place.client() as client:
            nightly = client.read_deployment_by_name("nightly-retrain/nightly-retrain")
            runs = client.read_flow_runs(
                flow_run_filter=FlowRunFilter(deployment_id={"any_": [nightly.id]}),
                sort=FlowRunSort.EXPECTED_START_TIME_ASC,
            )
        return [run.expected_start_time for run in runs if run.auto_scheduled]

    times = wait_for(planned, 60, lambda: place.log("server"))
    assert {(time.hour, time.minute, time.utcoffset()) for time in times} == {(2, 0, timedelta(0))}


def test_the_server_has_lost_no_event(place: Place) -> None:
    """Prefect says it in the log alone when it gives up on one."""
    place.wait_for_state(place.start(), "Completed")
    assert "dead letter" not in place.log("server")


def test_plain_prefect_commands_find_the_server(place: Place) -> None:
    result = place.try_run(["prefect", "deployment", "ls"])
    assert result.returncode == 0, result.stdout
    assert "nightly-retrain/nightly-retrain" in result.stdout
