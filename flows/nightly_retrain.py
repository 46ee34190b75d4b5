"""The flywheel turns by itself: feedback in, a decision, and a run of the graph if that says so."""

import argparse
import sys
from collections.abc import Sequence
from typing import Annotated, Any, Literal, get_args

from prefect import State, flow
from prefect.artifacts import create_markdown_artifact
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from pydantic import Field

from flows import retraining
from flows.checkout import health
from flows.checkout.lock import checkout_lock
from flows.flywheel import turn
from flows.ingest_feedback import Ingested, ingest
from flows.leash import follow_worker
from flows.pages.retrain import retrain_page
from flows.params import FlywheelParams
from flows.retraining import Asked, Considered
from flows.services.connect import prefect_api
from flows.terminal import say
from tasks.errors import FlywheelError
from tasks.params import load_params
from tasks.retrain_policy.history import AskedBy

Event = Literal["", "drift", "quality", "labels", "volume"]
EvidenceId = Annotated[str, Field(pattern=r"^[0-9a-f]{0,64}$")]
_OF_A_SCHEDULE = "auto-scheduled"  # Prefect's own tag


@flow(name="nightly-retrain")
def nightly_retrain(
    force: bool = False,
    overrides: Sequence[str] = (),
    event: Event = "",
    evidence: EvidenceId = "",
) -> State[Any]:
    """Take feedback in, and train, judge and release if section retrain_policy finds it worth it.

    Args:
        force: Train whatever the policy says, every stage anew.
        overrides: key=value, one an item, such as train.learning.max_epochs=1, for this run alone.
        event: What the monitor has found; set by the automations of make up.
        evidence: Which finding of the monitor; likewise.
    """
    follow_worker()
    asked = Asked(event or _by_schedule_or_hand(), evidence, force, overrides)
    try:
        seconds = load_params("flywheel", FlywheelParams).wait_minutes * 60
        with retraining.alone(seconds):
            return _turn(asked, ingest(), seconds)
    except FlywheelError as error:
        return Failed(message=str(error))


def _by_schedule_or_hand() -> AskedBy:
    return "schedule" if _OF_A_SCHEDULE in flow_run.tags else "hand"


def _turn(asked: Asked, ingested: Ingested, seconds: float) -> State[Any]:
    log = get_run_logger()
    with checkout_lock(f"flow run {flow_run.name}", seconds, log.warning):
        health.mend(log.warning)
        considered = retraining.consider(asked)
        kind, reason, _ = considered.decision
        line = f"{_news(ingested)}{kind}: {reason}"
        log.info("%s", line)
        retraining.record(asked, considered)
        _publish(asked, considered)
        if kind == "train":
            return _joined(line, retraining.train(asked, considered))
        if kind == "block":  # of type Failed: a person is needed, and Prefect's users look for that
            return Failed(name="Blocked", message=line)
        if considered.found.is_unfinished:
            return _joined(line, turn((), "", False, asked.overrides))
        return Completed(message=line)


def _news(ingested: Ingested) -> str:
    if not ingested.num_events + ingested.num_held:
        return ""
    return f"{ingested.num_events:,} events came in, {ingested.num_held:,} more are held; "


def _joined(line: str, state: State[Any]) -> State[Any]:
    kind = Completed if state.is_completed() else Failed
    return kind(message=f"{line}\n\n{state.message}")


def _publish(asked: Asked, considered: Considered) -> None:
    """What cannot be shown costs a warning, never the run."""
    case, found, decision = considered
    text = retrain_page(decision, found, case, asked.event_evidence)
    try:
        create_markdown_artifact(text, "retrain-decision", f"{decision.kind.capitalize()}, and why")
    except Exception as error:
        get_run_logger().warning("the decision is not shown in the UI: %s", error)


def main(arguments: list[str]) -> int:
    """One turn from the command line, with the server of `make up` or one of its own."""
    parser = argparse.ArgumentParser(
        prog="python -m flows.nightly_retrain", description=nightly_retrain.__doc__
    )
    parser.add_argument("--force", action="store_true")
    parser.add_argument("--override", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--event", default="", choices=get_args(Event))
    parser.add_argument("--evidence", default="")
    options = parser.parse_args(arguments)
    with prefect_api():
        state = nightly_retrain(
            options.force, options.override, options.event, options.evidence, return_state=True
        )
    say(str(state.message))
    return int(not state.is_completed())


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except FlywheelError as problem:
        sys.exit(f"nightly-retrain failed: {problem}")
    except KeyboardInterrupt:
        say("interrupted; nothing half-written was kept. Run again to go on from there.")
        sys.exit(130)
