"""Watch the live side: `python -m tasks.monitor REFERENCE TARGET`."""

import argparse
import datetime
import logging
import sys
from pathlib import Path

from tasks.artifacts import json_bytes, whole_file, write_json
from tasks.errors import FlywheelError, InputError
from tasks.live_store import dialect_of, explaining, has_store, make_store_url, open_store
from tasks.monitor.gauges import gauges_of
from tasks.monitor.live import Live, ask_error_share, find_live
from tasks.monitor.page import make_page
from tasks.monitor.params import MonitorParams, read_slices
from tasks.monitor.reference import read_reference
from tasks.monitor.report import GAUGES, NOTHING_YET, PAGE, REPORT, Report
from tasks.monitor.store import Store
from tasks.monitor.unlearnt import read_partitions
from tasks.monitor.watch import Scene, watch
from tasks.params import load_params
from tasks.releases import LIVE, Place
from tasks.stage import die_with_parent

log = logging.getLogger(__name__)


def main(arguments: list[str]) -> None:
    """Compare what the service was asked and told with REFERENCE; write TARGET/report.json,
    TARGET/report.html and TARGET/gauges.json.

    The exit code is 0 whatever is found: a drift is a result.
    """
    options = _parse(arguments)
    report = look(options)
    write(report, options.target)
    tell(report, options.target)


def look(options: argparse.Namespace) -> Report:
    """With nothing live, or no store yet, a report that says so."""
    place = Place(options.live)
    live = find_live(place)
    if live is None:
        return _nothing(options.now, None, "no release is live; make run makes one")
    if not has_store():
        return _nothing(options.now, live, "there is no store; make serve makes it")
    url = make_store_url()
    with open_store() as connection, explaining(url):
        store = Store(connection, dialect_of(url))
        if not store.is_made():
            return _nothing(options.now, live, "the store has no tables; make serve makes them")
        return _watch(store, live, options)


def write(report: Report, target: Path) -> None:
    """Each file whole; the report last, since others begin with it."""
    with whole_file(target / PAGE) as stream:
        stream.write(make_page(report).encode())
    write_json(target / GAUGES, gauges_of(report).model_dump(mode="json"))
    with whole_file(target / REPORT) as stream:
        stream.write(json_bytes(report.model_dump(mode="json")))


def tell(report: Report, target: Path) -> None:
    """What fired first, then where the rest is."""
    for note in report.notes:
        log.info("%s", note)
    for alert in report.alerts:
        log.warning("%s: %s", alert.event, alert.message)
    num_seen = sum(window.num_predictions for window in report.windows)
    num_fired = sum(finding.fired for finding in report.findings)
    log.info("%s: %s predictions, %d of %d findings fired; all of it in %s", report.status,
             f"{num_seen:,}", num_fired, len(report.findings), target / PAGE)  # fmt: skip


def _watch(store: Store, live: Live, options: argparse.Namespace) -> Report:
    place, params = Place(options.live), load_params("monitor", MonitorParams)
    reference = read_reference(options.reference, (place, live.target), options.target, params)
    scene = Scene(
        now=options.now,
        live=live,
        reference=reference,
        partitions=read_partitions(options.feedback, options.learnt),
        slices=read_slices(),
        params=params,
    )
    error_share, why = ask_error_share(place, params.service_seconds)
    notes = [f"The share of failed requests is not known: {why}."] if why else []
    return watch(store, scene).model_copy(update={"error_share": error_share, "notes": notes})


def _nothing(now: datetime.datetime, live: Live | None, why: str) -> Report:
    return Report(
        at=now, status=NOTHING_YET, version=live.target.version if live else None,
        test_accuracy=None, windows=[], findings=[], quality=[], change=None, error_share=None,
        num_labels_waiting=0, num_since_release=0, alerts=[],
        notes=[f"{NOTHING_YET.capitalize()}: {why}."],
    )  # fmt: skip


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tasks.monitor", description=main.__doc__)
    parser.add_argument("reference", type=Path, help="a split, such as data/split/test.parquet")
    parser.add_argument("target", type=Path, help="folder for the report, such as live/monitor")
    parser.add_argument(
        "--now", type=_moment, default=datetime.datetime.now(datetime.UTC),
        help="end of the newest window, ISO 8601 with offset; without it: now",
    )  # fmt: skip
    parser.add_argument("--feedback", type=Path, default=Path("data/feedback"))
    parser.add_argument(
        "--learnt", type=Path,
        help="JSON: partitions that the newest release was made from; without it: none were",
    )  # fmt: skip
    parser.add_argument("--live", type=Path, default=LIVE, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def _moment(text: str) -> datetime.datetime:
    moment = datetime.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise InputError(f"--now {text}: no offset, expected such as 2026-03-29T01:30:00+00:00.")
    return moment.astimezone(datetime.UTC)


if __name__ == "__main__":
    die_with_parent()
    logging.basicConfig(level=logging.INFO, format="monitor: %(message)s", stream=sys.stdout)
    try:
        main(sys.argv[1:])
    except FlywheelError as problem:
        print(f"monitor failed: {problem}", file=sys.stderr)  # noqa: T201
        sys.exit(problem.exit_code)
