"""Feedback taken from the service's store into data/feedback, hourly or by hand."""

import sys
from typing import Any, NamedTuple

from prefect import State, flow, task
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Cancelled, Completed, Failed

from flows import dvc_process, feedback, process
from flows.checkout.lock import CheckoutBusy
from flows.feedback import FEEDBACK
from flows.leash import follow_worker
from flows.services.connect import prefect_api
from flows.terminal import say
from tasks.errors import FlywheelError, InputError, TemporaryError
from tasks.feedback import ACCEPTED, QUARANTINED, Partition, list_partitions


class Ingested(NamedTuple):
    """What one ingest brought."""

    num_events: int  # that the next training may learn from
    num_held: int  # more, that wait for a person
    partitions: tuple[Partition, ...]

    def in_one_line(self) -> str:
        held = f"; {self.num_held:,} held: see make release-feedback" if self.num_held else ""
        new = f"{self.num_events:,} events are new" if self.num_events else "nothing is new"
        return f"{new} in {FEEDBACK / ACCEPTED}{held}"


@flow(name="ingest-feedback")
def ingest_feedback() -> State[Any]:
    """Take what people have said since the last time into data/feedback; odd floods are held."""
    follow_worker()
    process.begin({})
    dvc_process.begin({})
    try:
        return Completed(message=ingest().in_one_line())
    except CheckoutBusy as error:  # a long training is no failure that somebody has to hear of
        return Cancelled(message=f"{error} Nothing is lost: the next ingest takes it in.")
    except FlywheelError as error:
        return Failed(message=str(error))


def ingest() -> Ingested:
    """For flows: waits for the checkout, which the caller does not hold yet.

    TemporaryError when trying again can help; nothing is lost by waiting for the next time.
    """
    log = get_run_logger()
    try:
        with feedback.changing(f"flow run {flow_run.name}", log.warning):
            before = {one.name for one in _list_all()}
            take_in()
            new = [one for one in _list_all() if one.name not in before]
    except BaseException:  # cancelled from the UI, Ctrl-C, or the worker is gone
        process.end_all()
        dvc_process.end_all()
        raise
    feedback.publish(new)
    counts = dict.fromkeys((ACCEPTED, QUARANTINED), 0)
    for one in new:
        counts[one.file.parent.name] += one.manifest.num_events
    return Ingested(counts[ACCEPTED], counts[QUARANTINED], tuple(new))


@task(name="ingest", task_run_name="ingest", cache_policy=NO_CACHE)
def take_in() -> None:
    """`python -m tasks.ingest_feedback`, its lines in the run's log."""
    ended = process.run_module("tasks.ingest_feedback", [str(FEEDBACK)], get_run_logger().info)
    if ended.exit_code:
        kind = TemporaryError if ended.exit_code == TemporaryError.exit_code else InputError
        raise kind(ended.last_lines[-1] if ended.last_lines else "the ingest was killed; run again")


def _list_all() -> list[Partition]:
    return [one for name in (ACCEPTED, QUARANTINED) for one in list_partitions(FEEDBACK / name)]


def main() -> int:
    """One ingest from the command line, with the server of `make up` or one of its own."""
    with prefect_api():
        state = ingest_feedback(return_state=True)
    say(str(state.message))
    return int(not state.is_completed())


if __name__ == "__main__":
    try:
        sys.exit(main())
    except FlywheelError as problem:
        sys.exit(f"ingest-feedback failed: {problem}")
