"""Watching as a Prefect flow: a look each hour, what is new told as events, the report shown."""

import argparse
import sys
from pathlib import Path
from typing import Any

from prefect import State, flow
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.events import Event, Resource
from prefect.logging import get_run_logger
from prefect.states import Completed, Failed

from flows import process
from flows.learnt import learnt_partitions
from flows.leash import follow_worker
from flows.pages.monitor import findings_table, in_one_line, monitor_page
from flows.services.connect import is_own_server, prefect_api
from flows.services.events import send_events, this_run
from flows.terminal import say
from tasks import documents
from tasks.artifacts import write_json
from tasks.errors import FlywheelError
from tasks.monitor.alerts import keep_emitted, news, read_emitted, standing
from tasks.monitor.report import REPORT, Alert, Report
from tasks.monitor.unlearnt import LEARNT, Learnt
from tasks.releases import LIVE
from tasks.retrain_policy import history

_NAME = "monitor"
_RESOURCE = {"prefect.resource.id": "flywheel.monitor", "prefect.resource.name": _NAME}
_NOBODY = "make up does not run, so nobody would act on it"
REFERENCE, TARGET = "data/split/test.parquet", "live/monitor"


@flow(name=_NAME)
def monitor(reference: str = REFERENCE, target: str = TARGET) -> State[Any]:
    """Compare what the service was asked and told with what its model was tested on.

    Args:
        reference: The split to compare with.
        target: Folder for the report.
    """
    follow_worker()
    process.begin({})
    folder = Path(target)
    try:
        options = ["--learnt", str(write_learnt(folder)), "--", reference, target]
        ended = process.run_module("tasks.monitor", options, get_run_logger().info)
        if ended.exit_code:
            return Failed(message=ended.last_lines[-1] if ended.last_lines else "it was killed")
        report = documents.read(folder / REPORT, Report, "Run the flow again.")
        told = tell_news(report, folder)
    except FlywheelError as error:
        return Failed(message=str(error))
    except BaseException:  # cancelled from the UI, Ctrl-C, or the worker is gone
        process.end_all()
        raise
    _publish(report, folder)
    return Completed(message=f"{in_one_line(report)}{told}")


def write_learnt(folder: Path) -> Path:
    """What the newest release was made from, as far as git and DVC's cache know."""
    past = history.trainings(history.read(LIVE / history.HISTORY))
    file = folder / LEARNT
    write_json(file, Learnt(partitions=sorted(learnt_partitions(past))).model_dump(mode="json"))
    return file


def tell_news(report: Report, folder: Path) -> str:
    """Send an event for each alert that says something new; returns how many, in words.

    What was told is written down when the server has it: after a kill between the two it is told
    once more, with the same evidence. What nobody has heard is news for the next look.
    """
    emitted, log = read_emitted(folder), get_run_logger()
    fresh = news(report.alerts, emitted)
    for alert in fresh:
        log.warning("%s: %s", alert.event, alert.message)
    unheard = _NOBODY if fresh and is_own_server() else send_events([*map(_event, fresh)])
    keep_emitted(folder, standing(report.alerts, emitted, are_told=not unheard))
    if unheard:
        log.warning("%s; the next look tells it", unheard)
        return f"; {len(fresh)} not told: {unheard}"
    return f"; {len(fresh)} told" if fresh else ""


def _event(alert: Alert) -> Event:
    payload = {
        "message": alert.message,
        "evidence": alert.evidence,
        "version": alert.version,
        "findings": alert.findings,
        "figures": alert.figures,
    }
    resource = Resource.model_validate(_RESOURCE)
    return Event(event=alert.event, resource=resource, related=this_run(), payload=payload)


def _publish(report: Report, folder: Path) -> None:
    """On the run's page; what cannot be shown costs a warning, never the run."""
    try:
        create_markdown_artifact(monitor_page(report, folder), _NAME, in_one_line(report))
        if table := findings_table(report):
            create_table_artifact(table, "findings", "Drift and quality, what fired first")
    except Exception as error:  # the server is away; a picture of the work is not the work
        get_run_logger().warning("the report is not shown in the UI: %s", error)


def main(arguments: list[str]) -> int:
    """One look from the command line, with the server of `make up` or one of its own."""
    parser = argparse.ArgumentParser(prog="python -m flows.monitor", description=main.__doc__)
    parser.add_argument("reference", nargs="?", default=REFERENCE)
    parser.add_argument("target", nargs="?", default=TARGET)
    options = parser.parse_args(arguments)
    with prefect_api():
        state = monitor(options.reference, options.target, return_state=True)
    say(str(state.message))
    return int(not state.is_completed())


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except FlywheelError as problem:
        sys.exit(f"monitor failed: {problem}")
