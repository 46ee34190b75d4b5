"""A sweep from begin to end on this machine, its trials in processes side by side."""

from pathlib import Path

from tasks.stage import run
from tasks.sweep.begin import begin
from tasks.sweep.finish import main as finish
from tasks.sweep.plan import Inputs
from tasks.sweep.pool import run_trials


def main(
    train_file: Path, validation_file: Path, label_set_file: Path, encoders: Path, study: Path
) -> None:
    """Search what section `sweep` of params.yaml says; a killed sweep goes on where it was.

    The first four paths are those of stage train; `study` keeps the sweep, such as
    .run/sweeps/NAME.
    """
    plan, summary = begin(Inputs(train_file, validation_file, label_set_file, encoders), study)
    sweep = plan.sweep
    run_trials(study, summary.num_left, sweep.num_parallel, sweep.max_restarts)
    finish(study)


if __name__ == "__main__":
    run("sweep", main)
