"""What the monitor finds starts the nightly deployment, with the name and evidence of the event."""

import itertools
import sys
from collections.abc import Sequence

import pytest
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterName
from prefect.client.schemas.objects import FlowRun

from flows.services.retrain_automations import EVENTS
from tests.flows.services.place import Place, wait_for
from tests.flows.services.receivers import WebHook

pytestmark = pytest.mark.slow
EMIT = """import sys
from prefect.events import Event, Resource
from flows.services.events import send_events
told = [
    Event(
        event=name,
        resource=Resource({"prefect.resource.id": "flywheel.monitor"}),
        payload={"message": f"{name}: effect 0.31", "evidence": sys.argv[1]},
    )
    for name in sys.argv[2:]
]
sys.exit(send_events(told) or 0)
"""


def emit(place: Place, evidence: str, names: Sequence[str]) -> None:
    """As the monitor does, without any run around it."""
    done = place.try_run([sys.executable, "-c", EMIT, evidence, *names])
    assert done.returncode == 0, done.stdout


def ended(place: Place, evidence: str, count: int) -> list[FlowRun]:
    """The runs started by what was told, at their end: the next test needs their slot."""
    wait_for(
        lambda: len(started(place, evidence)) == count,
        explain=lambda: f"{started(place, evidence)}\n{place.log('server')[-5000:]}",
    )
    for run in started(place, evidence):
        place.wait_for_state(run.id, "Completed", "Cancelled")
    return started(place, evidence)


def started(place: Place, evidence: str) -> list[FlowRun]:
    chosen = DeploymentFilter(name=DeploymentFilterName(any_=["nightly-retrain"]))
    with place.client() as client:
        runs = client.read_flow_runs(deployment_filter=chosen)
    return [run for run in runs if run.parameters.get("evidence") == evidence]


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_starts_a_run_that_knows_it(place: Place, event: str) -> None:
    evidence = event.encode().hex()
    emit(place, evidence, [EVENTS[event]])
    (run,) = ended(place, evidence, 1)
    assert run.parameters["event"] == event
    assert run.parameters["force"] is False
    assert not run.auto_scheduled


def test_two_events_of_one_look_never_run_side_by_side(place: Place) -> None:
    emit(place, "beef", [EVENTS["drift"], EVENTS["quality"]])
    runs = ended(place, "beef", 2)
    assert "Completed" in [run.state_name for run in runs]
    times = sorted((run.start_time, run.end_time) for run in runs if run.start_time)
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(times))


def test_there_is_one_automation_for_each_event_however_often_make_up_is_called(
    place: Place,
) -> None:
    def names() -> list[str]:
        with place.client() as client:
            found = [automation.name for automation in client.read_automations(limit=200)]
        return sorted(name for name in found if name.endswith("starts nightly-retrain"))

    wanted = sorted(f"flywheel: {name} starts nightly-retrain" for name in EVENTS.values())
    assert names() == wanted
    place.up()
    assert names() == wanted


@pytest.mark.parametrize("subject", ["drift", "quality"])
def test_people_are_told_what_the_monitor_found(place: Place, hook: WebHook, subject: str) -> None:
    emit(place, f"cafe {subject}", [EVENTS[subject]])
    told = wait_for(lambda: hook.about(subject, "flywheel.monitor"))
    assert told["message"] == f"{EVENTS[subject]}: effect 0.31"
    ended(place, f"cafe {subject}", 1)


def test_people_are_told_that_a_person_is_needed(place: Place, hook: WebHook) -> None:
    run = place.wait_for_state(place.start("nightly-retrain", tell="blocked"), "Completed")
    assert wait_for(lambda: hook.about("blocked", run.name))["message"] == "macro F1 0.71"
