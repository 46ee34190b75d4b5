"""Watching as a Prefect flow: a look each hour, what is new told as events, the report shown."""

import argparse
import sys
from pathlib import Path
from typing import Any

from prefect import State, flow
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.events import emit_event
from prefect.logging import get_run_logger
from prefect.states import Completed, Failed

from flows import process
from flows.leash import follow_worker
from flows.pages.monitor import findings_table, in_one_line, monitor_page
from flows.services.connect import prefect_api
from flows.terminal import say
from tasks import documents
from tasks.errors import FlywheelError
from tasks.monitor.alerts import keep_emitted, news, read_emitted, standing
from tasks.monitor.report import REPORT, Alert, Report

_NAME = "monitor"
_RESOURCE = {"prefect.resource.id": "flywheel.monitor", "prefect.resource.name": _NAME}
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
    log = get_run_logger()
    try:
        ended = process.run_module("tasks.monitor", ["--", reference, target], log.info)
    except BaseException:  # cancelled from the UI, Ctrl-C, or the worker is gone
        process.end_all()
        raise
    if ended.exit_code:
        return Failed(message=ended.last_lines[-1] if ended.last_lines else "it was killed")
    folder = Path(target)
    try:
        report = documents.read(folder / REPORT, Report, "Run the flow again.")
        num_told = tell_news(report, folder)
    except FlywheelError as error:
        return Failed(message=str(error))
    _publish(report, folder)
    told = f"; {num_told} told" if num_told else ""
    return Completed(message=f"{in_one_line(report)}{told}")


def tell_news(report: Report, folder: Path) -> int:
    """Emit an event for each alert that says something new; returns how many.

    What was told is written down afterwards: after a kill between the two it is told once more,
    with the same evidence.
    """
    emitted = read_emitted(folder)
    fresh = news(report.alerts, emitted)
    for alert in fresh:
        get_run_logger().warning("%s: %s", alert.event, alert.message)
        emit_event(alert.event, resource=_RESOURCE, payload=_payload(alert))
    keep_emitted(folder, standing(report.alerts, emitted))
    return len(fresh)


def _payload(alert: Alert) -> dict[str, Any]:
    return {
        "message": alert.message,
        "evidence": alert.evidence,
        "version": alert.version,
        "findings": alert.findings,
        "figures": alert.figures,
    }


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
