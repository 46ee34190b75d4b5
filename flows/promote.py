"""A release made live by hand, from the UI or this command line: proven, swapped, probed."""

import argparse
import sys
from typing import Annotated, Any

from prefect import State, flow
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from pydantic import Field

from flows.going_live import go_live
from flows.leash import follow_worker
from flows.services.connect import prefect_api
from flows.terminal import say
from tasks.errors import FlywheelError
from tasks.release.change import find_user
from tasks.release.plan import Order
from tasks.releases import LIVE, Place, Version, read_release

Words = Annotated[str, Field(max_length=500)]


@flow(name="promote")
def promote(
    version: Version, why: Words = "", who: Words = "", despite_verdict: bool = False
) -> State[Any]:
    """Make a release live: its bundle proven, rehearsed if params say so, swapped, and probed.

    Args:
        version: Such as v1.2.0; make releases lists them.
        why: Kept in the history; needed with despite_verdict.
        who: Kept in the history; empty: this run's name.
        despite_verdict: Also when the gate refused it, or judged it against another champion.
    """
    follow_worker()
    order = Order(version, who or f"flow run {flow_run.name}", why or "by hand", despite_verdict)
    if despite_verdict:
        order = order._replace(why=why)
    try:
        return Completed(message=go_live(order))
    except FlywheelError as error:
        return Failed(message=str(error))


def main(arguments: list[str]) -> int:
    """One promotion from the command line, with the server of `make up` or one of its own."""
    parser = argparse.ArgumentParser(prog="python -m flows.promote", description=promote.__doc__)
    parser.add_argument("version")
    parser.add_argument("--why", default="")
    parser.add_argument("--who", default=find_user())
    parser.add_argument("--despite-verdict", action="store_true")
    options = parser.parse_args(arguments)
    read_release(Place(LIVE), options.version)  # a slip of the pen need not start a server
    with prefect_api():
        state = promote(
            options.version, options.why, options.who, options.despite_verdict, return_state=True
        )
    say(str(state.message))
    return int(not state.is_completed())


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except FlywheelError as problem:
        sys.exit(f"promote failed: {problem}")
