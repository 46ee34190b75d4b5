"""Back to an earlier release, from the UI: the swap first, then git's tags and who is told."""

from typing import Annotated, Any

from prefect import State, flow
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from pydantic import Field

from flows.going_live import tell
from flows.leash import follow_worker
from flows.tags import follow_live
from tasks.errors import FlywheelError
from tasks.release.rollback import ask_service, read_seconds, roll_back
from tasks.releases import LIVE, Place, Version

Words = Annotated[str, Field(max_length=500)]


@flow(name="rollback")
def rollback(
    why: Annotated[str, Field(min_length=1, max_length=500)],
    version: Version | None = None,
    who: Words = "",
) -> State[Any]:
    """Make an earlier release live at once; only its own bundle is looked at.

    Args:
        why: Kept in the history.
        version: Such as v1.2.0; empty: what was live before.
        who: Kept in the history; empty: this run's name.
    """
    follow_worker()
    place = Place(LIVE)
    by = who or f"flow run {flow_run.name}", why
    try:
        wait_seconds, ask_seconds = read_seconds(get_run_logger().warning)
        done = roll_back(place, version, by, wait_seconds)
    except FlywheelError as error:
        return Failed(message=str(error))
    change = done.change
    line = f"rolled back from {change.from_version or 'nothing'} to {change.to_version} ({why})"
    say = get_run_logger().info
    say(line)
    answer = ask_service(place, done.target, ask_seconds)
    line = f"{line}; {answer.says}{follow_live(say)}"
    if answer.refused:  # of failed runs people are told by themselves
        return Failed(message=line)
    tell("promotion", line)
    return Completed(message=line)
