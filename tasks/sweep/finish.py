"""End a sweep: `python -m tasks.sweep.finish STUDY` writes its winner, table and pictures."""

import logging
from pathlib import Path

from rich.console import Console

from tasks.errors import GateError, TemporaryError
from tasks.stage import run
from tasks.sweep.claim import drop_work, folder_of
from tasks.sweep.pictures import write_pictures
from tasks.sweep.plan import read_plan
from tasks.sweep.study import open_study, summarise
from tasks.sweep.summary import WINNER, write_summary, write_winner

log = logging.getLogger(__name__)


def main(study: Path) -> None:
    """Write the winner as a patch of params, the summary and the pictures of a finished sweep."""
    plan = read_plan(study)
    opened = open_study(plan, study)
    summary = summarise(opened, plan)
    write_summary(summary, study)
    Console(highlight=False).print(summary.as_table())
    if summary.num_left:
        raise TemporaryError(
            f"{study}: {summary.num_left} of {len(summary.outcomes)} trials have not ended. Run "
            "the sweep again, when no other worker is at it: it goes on with those."
        )
    if summary.winner is None:
        diverged = [one for one in summary.outcomes if one.reason]
        raise GateError(
            f"{study}: no trial was trained to its end, so there is no winner. "
            f"{diverged[0].reason if diverged else 'Raise sweep.num_trials.'}"
        )
    write_winner(summary, study)
    write_pictures(opened, study)
    for outcome in summary.outcomes:
        drop_work(folder_of(study, outcome.number))
    log.info("%s; as overrides of a run in %s", summary.in_one_line(), study / WINNER)


if __name__ == "__main__":
    run("sweep.finish", main)
