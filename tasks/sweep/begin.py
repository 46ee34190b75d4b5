"""Begin a sweep, or go on with it: `python -m tasks.sweep.begin` with the paths of tasks.sweep."""

import logging
from pathlib import Path

from tasks.stage import run
from tasks.sweep.plan import Inputs, Plan, keep_plan, make_plan
from tasks.sweep.study import add_trials, mend_journal, open_study, summarise
from tasks.sweep.summary import Summary, write_summary

log = logging.getLogger(__name__)


def begin(inputs: Inputs, folder: Path) -> tuple[Plan, Summary]:
    """The plan in the study's folder, all trials in its storage, and how they stand."""
    plan = keep_plan(make_plan(inputs, folder), folder)
    mend_journal(folder)
    study = open_study(plan, folder)
    add_trials(study, plan.sweep.num_trials)
    summary = summarise(study, plan)
    write_summary(summary, folder)
    num_all = len(summary.outcomes)
    num_done = num_all - summary.num_left
    log.info("%d of %d trials (%d %%)", num_done, num_all, 100 * num_done // num_all)
    return plan, summary


def main(
    train_file: Path, validation_file: Path, label_set_file: Path, encoders: Path, study: Path
) -> None:
    """Begin a sweep, or go on with it; `python -m tasks.sweep.trial STUDY` then runs its trials."""
    begin(Inputs(train_file, validation_file, label_set_file, encoders), study)


if __name__ == "__main__":
    run("sweep.begin", main)
