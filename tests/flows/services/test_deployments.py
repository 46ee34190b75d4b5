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

    times = wait_for(planned, explain=lambda: place.log("server"))
    assert {(time.hour, time.minute, time.utcoffset()) for time in times} == {(2, 0, timedelta(0))}


def test_the_server_has_lost_no_event(place: Place) -> None:
    """Prefect says it in the log alone when it gives up on one."""
    place.wait_for_state(place.start(), "Completed")
    assert "dead letter" not in place.log("server")


def test_plain_prefect_commands_find_the_server(place: Place) -> None:
    result = place.try_run(["prefect", "deployment", "ls"])
    assert result.returncode == 0, result.stdout
    assert "nightly-retrain/nightly-retrain" in result.stdout


def test_a_deployment_that_has_moved_to_another_flow_is_named_with_the_way_to_delete_it(
    place: Place,
) -> None:
    """It keeps its schedule: of two nightly runs one would not ask the policy."""
    with place.client() as client:
        flow = client.create_flow_from_name("flywheel")
        old = client.create_deployment(
            flow_id=flow, name="nightly-retrain", work_pool_name="local",
            entrypoint="flows/flywheel.py:flywheel",
        )  # fmt: skip
    try:
        said = place.up()
    finally:
        with place.client() as client:
            client.delete_deployment(old)
    assert "prefect deployment delete 'flywheel/nightly-retrain'" in said
    assert said.count("prefect deployment delete") == 1
