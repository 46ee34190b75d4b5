"""A person decides of feedback that was held, from the UI or this command line."""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from prefect import State, flow
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from pydantic import Field

from flows import dvc_process, feedback
from flows.feedback import FEEDBACK
from flows.leash import follow_worker
from flows.services.connect import prefect_api
from flows.terminal import say
from tasks.errors import FlywheelError
from tasks.feedback import Partition, read_partition
from tasks.ingest_feedback.params import IngestFeedbackParams
from tasks.ingest_feedback.portion import count_raters
from tasks.params import load_params
from tasks.partitions.decide import choose, decide, list_held, make_decision
from tasks.partitions.decisions import Verdict
from tasks.partitions.place import locked
from tasks.partitions.publish import settle
from tasks.release.change import find_user

Words = Annotated[str, Field(max_length=500)]


@flow(name="release-feedback")
def release_feedback(
    why: Annotated[str, Field(min_length=1, max_length=500)],
    verdict: Verdict = "accepted",
    partitions: Sequence[str] = (),
    who: Words = "",
) -> State[Any]:
    """Decide of held feedback: what is accepted is learnt from, what is rejected never is.

    Args:
        why: Kept beside the partition, and by Prefect with the run: name nobody.
        verdict: A rejected partition can be accepted later, by its name.
        partitions: Names such as part-0123456789abcdef0123, one an item. Empty: all that wait.
        who: Kept beside the partition; empty: this run's name.
    """
    follow_worker()
    dvc_process.begin({})
    by = f"flow run {flow_run.name}"
    try:
        decision = make_decision(verdict, who or by, why, datetime.now(UTC))
        seconds = load_params("ingest_feedback", IngestFeedbackParams).wait_seconds
        with (
            feedback.changing(by, get_run_logger().warning),
            locked(FEEDBACK, seconds),
        ):
            settle(FEEDBACK)
            chosen = choose(list_held(FEEDBACK), list(partitions))
            decide(FEEDBACK, chosen, decision)
    except FlywheelError as error:
        return Failed(message=str(error))
    feedback.publish([])
    num_events = sum(one.partition.manifest.num_events for one in chosen)
    return Completed(message=f"{num_events:,} events in {len(chosen)} partitions {verdict}: {why}")


def main(arguments: list[str]) -> int:
    """Without --why: the list of what is held."""
    parser = argparse.ArgumentParser(prog="python -m flows.release_feedback", description=__doc__)
    parser.add_argument("partitions", nargs="*")
    parser.add_argument("--why", default="")
    parser.add_argument("--who", default=find_user())
    parser.add_argument("--reject", action="store_true")
    options = parser.parse_args(arguments)
    held = choose(list_held(FEEDBACK), options.partitions)  # a slip need not start a server
    if not options.why or not held:
        _show_held()
        return 0
    verdict: Verdict = "rejected" if options.reject else "accepted"
    with prefect_api():
        state = release_feedback(
            options.why, verdict, options.partitions, options.who, return_state=True
        )
    say(str(state.message))
    return int(not state.is_completed())


def _show_held() -> None:
    held = list_held(FEEDBACK)
    for partition, decision in held:
        state = f"{decision.verdict} by {decision.who}: {decision.why}" if decision else "waits"
        num_events, reason = partition.manifest.num_events, partition.manifest.held_because
        say(f"{partition.name}  {num_events:,} events  {state}  ({reason}){_busiest(partition)}")
    say(f"{len(held)} partitions in {FEEDBACK}/quarantined; decide with WHY='...'")


def _busiest(partition: Partition) -> str:
    """Who it is stands here alone: Prefect's server could not forget it."""
    most = count_raters(read_partition(partition)).most_common(1)
    return "".join(f"; {num / partition.manifest.num_events:.0%} by {who}" for who, num in most)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except FlywheelError as problem:
        sys.exit(f"release-feedback failed: {problem}")
