"""What a target was begun for: only the same source and the same release may go on with it."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from tasks import documents
from tasks.artifacts import write_json
from tasks.documents import Document
from tasks.errors import InputError, TemporaryError

# whoever reads the folder as Parquet skips names that begin like these
JOB = "_job.json"
MANIFEST = "_manifest.json"
_LOCK = ".lock"


class Job(Document):
    """Whatever decides over the bytes of the parts."""

    files: dict[str, str]  # of the source: sha256
    text_column: str
    version: str
    manifest_sha256: str  # of the release's bundle
    precision: Literal["default", "fp32", "int8"]
    rows_per_part: int
    max_characters: int


@contextlib.contextmanager
def holding(target: Path) -> Iterator[None]:
    """One process at a time; the lock goes with its process, however that ends."""
    target.mkdir(parents=True, exist_ok=True)
    with (target / _LOCK).open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TemporaryError(
                f"{target}: another process scores into it. Wait for its end, or end it."
            ) from None
        yield


def begin(target: Path, job: Job) -> None:
    """Write down what the target is for, or compare with what it was begun for."""
    if (target / JOB).exists():
        _compare(target, documents.read(target / JOB, Job, "Name another target."), job)
        return
    ours = {_LOCK, f".{JOB}.new"}
    if others := sorted({path.name for path in target.iterdir()} - ours):
        raise InputError(
            f"{target}: holds {others[0]!r}, which no scoring has left there. Name an empty "
            "folder, or one that does not exist yet."
        )
    write_json(target / JOB, job.model_dump())


def _compare(target: Path, begun: Job, job: Job) -> None:
    before, now = begun.model_dump(), job.model_dump()
    if not (differing := [name for name in before if before[name] != now[name]]):
        return
    shown = "; ".join(
        f"{name} was {before[name]!s:.80}, is {now[name]!s:.80}" for name in differing
    )
    remedy = f"Go on with --version {begun.version}, name" if "version" in differing else "Name"
    raise InputError(
        f"{target}: begun for something else ({shown}), and one folder holds answers of one kind. "
        f"{remedy} another target, or remove this one."
    )
