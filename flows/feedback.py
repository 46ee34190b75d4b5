"""The folders of feedback as this checkout has them: changed under its lock, versioned by DVC."""

import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from prefect.artifacts import create_markdown_artifact
from prefect.logging import get_run_logger

from flows.checkout.lock import checkout_lock
from flows.checkout.versions import reason_of
from flows.dvc_process import run_dvc
from flows.pages.feedback import feedback_page
from flows.params import FlywheelParams
from tasks.errors import FlywheelError, TemporaryError
from tasks.feedback import ACCEPTED, QUARANTINED, Partition
from tasks.params import load_params
from tasks.partitions.decide import list_held

FEEDBACK = Path("data/feedback")
_FOLDERS = [FEEDBACK / ACCEPTED, FEEDBACK / QUARANTINED]


@contextlib.contextmanager
def changing(holder: str, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the checkout; what the block has changed is DVC's in the end, also when it failed."""
    minutes = load_params("flywheel", FlywheelParams).wait_minutes
    with checkout_lock(holder, minutes * 60, say):
        try:
            yield
        except FlywheelError:
            version()
            raise
        version()


def version() -> None:
    """`dvc add`, which writes accepted.dvc and quarantined.dvc; runs keep and push what they name.

    Nothing to do before the first ingest. Of what has not changed DVC reads no file again.
    """
    if not all(folder.is_dir() for folder in _FOLDERS):
        return
    added = run_dvc(["add", "--quiet", *map(str, _FOLDERS)], lambda line: None)
    if added.exit_code:
        raise TemporaryError(f"dvc add {FEEDBACK}: {reason_of(added)}. Mend that and run again.")


def publish(new: list[Partition]) -> None:
    """What is new and what waits, on the run's page; what cannot be shown costs a warning."""
    try:
        page = feedback_page(new, list_held(FEEDBACK), datetime.now(UTC))
        create_markdown_artifact(page, "feedback", "Feedback: what came in, and what waits")
    except Exception as error:
        get_run_logger().warning("feedback is not shown in the UI: %s", error)
