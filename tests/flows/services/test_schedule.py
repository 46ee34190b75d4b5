"""The nightly schedule fires; runs missed while the machine slept do not pile up afterwards."""

import os
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterName
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.sorting import FlowRunSort

from flows.services.temporary import free_port
from tests.chain import chain, make_checkout
from tests.flows.services.place import Place, end, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
INTERVAL_SECONDS = 20
NUM_MISSED = 4
AT_REST = {"Completed", "Cancelled"}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """The real flow over a small graph, with a night every 20 seconds."""
    folder = make_checkout(tmp_path / "checkout", chain(2))
    tree = yaml.safe_load((folder / "prefect.yaml").read_text())
    (nightly,) = (one for one in tree["deployments"] if one["name"] == "nightly-retrain")
    assert nightly["schedules"][0]["cron"], "the shipped schedule is a cron"
    nightly["schedules"] = [{"interval": INTERVAL_SECONDS, "slug": "nightly"}]
    (folder / "prefect.yaml").write_text(yaml.safe_dump(tree))
    made = Place(folder.resolve(), free_port(), {})
    try:
        made.up()
        yield made
    finally:
        end(made)


def due_runs(place: Place) -> list[FlowRun]:
    """Runs of the schedule whose time has come, oldest first."""
    with place.client() as client:
        runs = client.read_flow_runs(
            deployment_filter=DeploymentFilter(name=DeploymentFilterName(any_=["nightly-retrain"])),
            sort=FlowRunSort.EXPECTED_START_TIME_ASC,
        )
    now = datetime.now(UTC)
    return [run for run in runs if run.expected_start_time and run.expected_start_time <= now]


def test_the_schedule_fires_and_after_a_sleep_the_missed_runs_do_not_pile_up(place: Place) -> None:
    def is_at_rest() -> bool:  # a run that the sleep finds at work would take the slot through it
        states = [run.state_name for run in due_runs(place)]
        return "Completed" in states and all(state in AT_REST for state in states)

    wait_for(is_at_rest)
    (worker,) = place.processes("prefect worker start")
    os.kill(worker.pid, signal.SIGSTOP)  # the machine sleeps
    asleep = datetime.now(UTC)
    time.sleep(INTERVAL_SECONDS * NUM_MISSED)
    awake = datetime.now(UTC)
    os.kill(worker.pid, signal.SIGCONT)

    def missed() -> list[FlowRun]:
        runs = due_runs(place)
        return [run for run in runs if asleep <= (run.expected_start_time or asleep) <= awake]

    wait_for(
        lambda: all(run.state_name in AT_REST for run in missed()), explain=lambda: str(missed())
    )
    names = [run.state_name for run in missed()]
    assert len(names) >= NUM_MISSED - 1
    assert 1 <= names.count("Completed") < len(names), names
