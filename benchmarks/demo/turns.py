"""The loop turned: a first model without the source, then people, watching and retraining."""

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterDeploymentId
from prefect.client.schemas.objects import FlowRun

from benchmarks.demo.people import answer
from benchmarks.demo.place import Demo, wait_for
from benchmarks.demo.scenario import Scenario, Sent
from benchmarks.demo.truth import Truth, read_truth
from flows.services.retrain_automations import DEPLOYMENT, EVENTS

_FETCHED = Path("data/fetch")
_EVENT_SECONDS = 200.0  # from the monitor's event to the run that it starts


class Turn(NamedTuple):
    """One turn of the loop and what it took."""

    version: str  # live at its end
    sent: list[Sent]  # corrections of this turn
    started_by: str  # what started the training
    seconds: float
    training_seconds: float  # of the run that trained


def turn_loop(
    demo: Demo, scenario: Scenario, say: Callable[[str], None]
) -> tuple[list[Turn], Truth]:
    """Raises RuntimeError where a turn does not end with a new version live."""
    turns = [_first_turn(demo, say)]
    truth = read_truth(scenario, _FETCHED)
    for number in range(1, scenario.num_turns):
        places = [
            place for place, text in enumerate(truth.texts)
            if _dealt(text, scenario.num_turns - 1) == number - 1
        ]  # fmt: skip
        turns.append(_later_turn(demo, scenario, truth, places, say))
    return turns, truth


def _first_turn(demo: Demo, say: Callable[[str], None]) -> Turn:
    started = time.monotonic()
    say("turn 1: the graph, the gate, and the first release, without the withheld source")
    run = demo.start("flywheel", "flywheel")
    _check(demo, run, before="")
    demo.url()
    return Turn(demo.live(), [], "by hand", time.monotonic() - started, _seconds(run))


def _later_turn(
    demo: Demo, scenario: Scenario, truth: Truth, places: list[int], say: Callable[[str], None]
) -> Turn:
    started, before = time.monotonic(), demo.live()
    sent = answer(demo.url(), truth, places, scenario)
    took = time.monotonic() - started
    say(f"{len(places):,} texts asked, {len(sent):,} corrections acknowledged in {took:.0f} s")
    known = {run.id for run in _retrainings(demo)}
    watched = demo.start("monitor", "monitor")
    say(f"monitor: {watched.state.message if watched.state else ''}")
    if not watched.state or not watched.state.is_completed():
        raise RuntimeError(f"run {watched.name} of monitor failed")
    wait_for(lambda: _new(demo, known), _EVENT_SECONDS, "no event of monitor started a training")
    run = _wait_for_all(demo, known, before)
    _check(demo, run, before)
    say(f"{run.name}: {run.state.message if run.state else ''}")
    by = EVENTS.get(str(run.parameters.get("event")), "by hand")
    return Turn(demo.live(), sent, by, time.monotonic() - started, _seconds(run))


def _wait_for_all(demo: Demo, known: set[object], before: str) -> FlowRun:
    """The run that made another version live; the others found their evidence spent."""
    while open_runs := [
        run for run in _new(demo, known) if not (run.state and run.state.is_final())
    ]:
        demo.wait_for_run(open_runs[0])
    ended = _new(demo, known)
    live = demo.live()
    trained = [
        run for run in ended if run.state and live != before and live in str(run.state.message)
    ]
    told = [run for run in ended if not (run.state and run.state.is_cancelled())]
    return (trained or told or ended)[0]


def _new(demo: Demo, known: set[object]) -> list[FlowRun]:
    return [run for run in _retrainings(demo) if run.id not in known]


def _retrainings(demo: Demo) -> list[FlowRun]:
    """Those that were due or have begun; the schedule's runs of nights to come are none."""
    with demo.client() as client:
        deployment = client.read_deployment_by_name(DEPLOYMENT)
        mine = FlowRunFilter(deployment_id=FlowRunFilterDeploymentId(any_=[deployment.id]))
        runs: list[FlowRun] = client.read_flow_runs(flow_run_filter=mine)
    return [run for run in runs if not run.auto_scheduled]


def _check(demo: Demo, run: FlowRun, before: str) -> None:
    message = run.state.message if run.state else ""
    if not run.state or not run.state.is_completed() or demo.live() == before:
        raise RuntimeError(f"run {run.name} made nothing new live: {message}")


def _seconds(run: FlowRun) -> float:
    return run.total_run_time.total_seconds()


def _dealt(text: str, num_portions: int) -> int:
    return hashlib.sha256(text.encode()).digest()[0] % num_portions
