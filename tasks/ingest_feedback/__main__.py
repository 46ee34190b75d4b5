"""Command line of action ingest_feedback: `python -m tasks.ingest_feedback data/feedback`."""

import logging
from pathlib import Path

from tasks.feedback import Partition
from tasks.ingest_feedback.ingest import ingest
from tasks.ingest_feedback.params import IngestFeedbackParams
from tasks.live_store import NoStore
from tasks.params import load_params
from tasks.stage import run

log = logging.getLogger(__name__)


def main(target: Path) -> None:
    """Take what is new in the service's store into partitions below TARGET."""
    params = load_params("ingest_feedback", IngestFeedbackParams)
    try:
        tell(ingest(target, params))
    except NoStore as nothing:
        log.info("nothing to ingest: %s", nothing)


def tell(made: list[Partition]) -> None:
    num_events = sum(one.manifest.num_events for one in made)
    if not num_events:
        log.info("nothing new in the store")
        return
    where, held_because = made[0].file.parent, made[0].manifest.held_because
    log.info("%s events in %d partitions of %s", f"{num_events:,}", len(made), where)
    if held_because:
        log.warning("held until somebody decides (make release-feedback): %s", held_because)


if __name__ == "__main__":
    run("ingest_feedback", main)
