"""One trial in a process of its own: `python -m tasks.sweep.trial STUDY`, as many as one likes."""

import logging
import signal
import sys
from pathlib import Path

from tasks.errors import FlywheelError
from tasks.stage import die_with_parent


def main(folder: Path) -> None:
    """Run the next trial that nobody runs; what a person has to mend is one line."""
    # seconds of imports, which end with the parent, too
    from tasks.sweep.attempt import run_trial  # noqa: PLC0415

    try:
        run_trial(folder)
    except FlywheelError as problem:
        logging.error("trial failed: %s", problem)
        sys.exit(problem.exit_code)


if __name__ == "__main__":
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # checkpoints are whole at any moment
    logging.basicConfig(level=logging.INFO, format="sweep: %(message)s", stream=sys.stdout)
    main(Path(sys.argv[1]))
