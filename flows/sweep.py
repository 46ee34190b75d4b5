"""A sweep as a Prefect flow, each trial a task run: from the UI, or from this command line."""

import argparse
import sys
from collections.abc import Sequence
from typing import Annotated, Any

from prefect import State, flow
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from pydantic import Field

from flows import process
from flows.checkout import health
from flows.checkout.lock import checkout_lock
from flows.checkout.overrides import overridden
from flows.flywheel import flywheel
from flows.leash import follow_worker
from flows.params import FlywheelParams
from flows.search import search
from flows.services.connect import prefect_api
from flows.terminal import say
from tasks.errors import FlywheelError
from tasks.params import load_params
from tasks.provenance import FlowRun
from tasks.stage import RECORDS

SWEEPS = RECORDS / "sweeps"
NAME = r"^[a-z0-9-]+$"  # it is part of paths, and of names in databases and trackers


@flow(name="sweep")
def sweep(
    name: Annotated[str, Field(pattern=NAME)] = "sweep",
    run_winner: bool = False,
    overrides: Sequence[str] = (),
) -> State[Any]:
    """Search params of stage train on the validation split, as section sweep of params.yaml says.

    Args:
        name: The sweep's folder in .run/sweeps; one that was stopped goes on where it was.
        run_winner: Run the graph with the winner's values afterwards, as any other candidate.
        overrides: key=value, one an item, such as sweep.num_trials=50, for this run alone.
    """
    follow_worker()
    told = FlowRun(str(flow_run.name), flow_run.ui_url or "", experiment="")
    process.begin(told.as_environment())
    log = get_run_logger()
    try:
        params = load_params("flywheel", FlywheelParams)
        with checkout_lock(f"flow run {flow_run.name}", params.wait_minutes * 60, log.warning):
            health.mend(log.warning)
            with overridden(overrides, log.info):
                summary = search(SWEEPS / name)
    except FlywheelError as error:
        return Failed(message=str(error))
    if not run_winner:
        return Completed(message=summary.in_one_line())
    # the lock is free again: the candidate's run takes it, as any other
    state = flywheel(overrides=[*overrides, *summary.winners_assignments()], return_state=True)
    kind = Completed if state.is_completed() else Failed
    return kind(message=f"{summary.in_one_line()}; its run: {state.message}")


def main(arguments: list[str]) -> int:
    """One sweep from the command line, with the server of `make up` or one of its own."""
    parser = argparse.ArgumentParser(prog="python -m flows.sweep", description=sweep.__doc__)
    parser.add_argument("--name", default="sweep")
    parser.add_argument("--run-winner", action="store_true")
    parser.add_argument("--override", action="append", default=[], metavar="KEY=VALUE")
    options = parser.parse_args(arguments)
    with prefect_api():
        state = sweep(options.name, options.run_winner, options.override, return_state=True)
    say(str(state.message))
    return int(not state.is_completed())


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except FlywheelError as problem:
        sys.exit(f"sweep failed: {problem}")
    except KeyboardInterrupt:
        say("interrupted; nothing is lost. Run again to go on from there.")
        sys.exit(130)
