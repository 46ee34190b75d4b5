"""`python killed.py CHANGES ACTION`: killed at its n-th change of a file, as by kill -9; 0: never.

Python reports every rename, removal, new folder and opening to its audit hooks before it happens.
"""

import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from tasks.ingest_feedback.ingest import ingest
from tasks.ingest_feedback.params import IngestFeedbackParams
from tasks.params import load_params
from tasks.partitions.decide import decide, list_held, make_decision
from tasks.partitions.place import locked
from tasks.partitions.publish import settle

TARGET = Path("data/feedback")
CHANGES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "open"}
NOW = datetime(2026, 3, 2, tzinfo=UTC)


def main(kill_at: int, action: str) -> None:
    seen = 0

    def count(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        if event not in CHANGES or "feedback" not in str(arguments[0]):
            return
        seen += 1
        if seen == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    if action == "ingest":
        ingest(TARGET, load_params("ingest_feedback", IngestFeedbackParams))
        return
    with locked(TARGET, 10):
        settle(TARGET)
        held = [one for one in list_held(TARGET) if one.decision is None]
        decide(TARGET, held, make_decision("accepted", "ann", "looked at it", NOW))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
