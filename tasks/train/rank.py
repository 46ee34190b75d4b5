"""One process of a training that torchrun started: `python -m tasks.train.rank WORK`."""

import logging
import signal
import sys
from pathlib import Path

from tasks.artifacts import write_json
from tasks.errors import FlywheelError
from tasks.stage import die_with_parent
from tasks.train.job import failure_file, find_failure, read_job
from tasks.train.processes import find_seat, meet, part
from tasks.train.session import train, write_result

log = logging.getLogger(__name__)


def main(work: Path) -> None:
    """Train together with the others; the first process writes the result.

    What a person has to mend is left in `work` for the stage to say. Started again after that, it
    ends at once and well, so that torchrun does not try what cannot succeed.
    """
    if find_failure(work):
        return
    seat = find_seat()
    try:
        job = read_job(work)
        meet(job.params.launch.join_seconds, job.params.launch.silent_seconds)
        log.info("process %s of %s has met the others", seat.rank + 1, seat.num_processes)
        trained = train(job, work)
        part()
        if seat.rank == 0:
            write_result(job, work, trained)
    except FlywheelError as error:
        write_json(
            failure_file(work, seat.rank), {"kind": type(error).__name__, "text": str(error)}
        )
        sys.exit(f"rank {seat.rank} failed: {error}")


if __name__ == "__main__":
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # checkpoints are whole at any moment
    logging.basicConfig(level=logging.INFO, format="train: %(message)s", stream=sys.stdout)
    main(Path(sys.argv[1]))
