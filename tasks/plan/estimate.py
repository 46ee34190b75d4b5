"""What the newest plan says of training on this machine, for others: they need not load torch."""

import contextlib
from pathlib import Path

from pydantic import ConfigDict, RootModel

from tasks import documents
from tasks.documents import Document
from tasks.errors import FlywheelError
from tasks.params import load_params
from tasks.plan.params import CONFIGURED, MEASURED
from tasks.train.params import TrainParams

PLAN = "plan.json"


class _Option(Document):
    model_config = ConfigDict(extra="ignore")

    throughput: str
    seconds: float | None


class _Page(Document):
    model_config = ConfigDict(extra="ignore")

    train: TrainParams
    options: tuple[_Option, ...]


_Plan = RootModel[dict[str, _Page]]


def seconds_here(folder: Path) -> float | None:
    """Of the training that params configure now, by a plan in FOLDER that was calibrated for it.

    None where there is none, for another training, or of other code: it is made again when asked.
    """
    file = folder / PLAN
    if not file.is_file():
        return None
    with contextlib.suppress(FlywheelError):
        page = documents.read(file, _Plan, "Plan again.").root.get(CONFIGURED)
        if page and page.train == load_params("train", TrainParams):
            seconds = (one.seconds for one in page.options if one.throughput == MEASURED)
            return next(filter(None, seconds), None)
    return None
