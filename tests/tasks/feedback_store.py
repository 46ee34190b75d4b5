"""A real store with made-up feedback in it, and its events where partitions have them."""

import contextlib
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import yaml
from sqlalchemy import Engine, insert

from serving.store.engine import open_engine, writing
from serving.store.schema import upgrade
from serving.store.tables import FEEDBACK
from tasks.feedback import ACCEPTED, QUARANTINED, list_partitions
from tasks.ingest_feedback.params import IngestFeedbackParams
from tests.project import REPOSITORY

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
TARGET = Path("data/feedback")
LABELS = ("no", "maybe", "yes")


def write_params(folder: Path, url: str = "sqlite:///live/store.db", **changes: Any) -> None:
    """The repository's params with another store and other values of ingest_feedback."""
    whole = yaml.safe_load((REPOSITORY / "params.yaml").read_text(encoding="utf-8"))
    tree = {section: whole[section] for section in ("ingest_feedback", "serving")}
    tree["ingest_feedback"]["hold"] |= changes.pop("hold", {})
    tree["ingest_feedback"] |= changes
    tree["serving"]["prediction_log"] |= {"url": url, "url_from": "NO_SUCH_VARIABLE"}
    (folder / "params.yaml").write_text(yaml.safe_dump(tree), "utf-8")


def read_params() -> IngestFeedbackParams:
    tree = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    return IngestFeedbackParams.model_validate(tree["ingest_feedback"])


@contextlib.contextmanager
def open_feedback(url: str = "sqlite:///live/store.db") -> Iterator[Engine]:
    engine = open_engine(url)
    try:
        upgrade(engine)
        yield engine
    finally:
        engine.dispose()


def make_event(number: int, **changes: Any) -> dict[str, Any]:
    """Always the same for a number; every third has no text, no rater, no comment."""
    is_bare = number % 3 == 0
    event = {
        "event_id": str(uuid.uuid5(uuid.NAMESPACE_OID, str(number))),
        "received_at": START + timedelta(seconds=number, microseconds=number),
        "prediction_id": f"p{number}",
        "client": None if is_bare else f"k{number % 7}",
        "rater": None if is_bare else f"r_{number % 50}",
        "label": LABELS[number % 3],
        "predicted": LABELS[number % 2],
        "model_version": "v1.0.0",
        "predicted_at": START,
        "text": None if is_bare else f"text {number} \u00e4\u4e2d",
        "text_sha256": None if is_bare else f"{number:064x}",
        "comment": "well" if number % 100 == 50 else None,
    }
    return event | changes


def send(engine: Engine, events: Sequence[dict[str, Any]]) -> None:
    """Then lets go of SQLite's file: of two SQLites in one process (Python's and ADBC's) neither
    sees the other's locks, and one that closes can take the other's log away."""
    with writing(engine) as connection:
        connection.execute(insert(FEEDBACK), list(events))
    if engine.dialect.name == "sqlite":
        engine.dispose()


def ids_in(target: Path = TARGET) -> list[str]:
    """Of all partitions, accepted first; an event that is in two appears twice."""
    return [
        event
        for name in (ACCEPTED, QUARANTINED)
        for one in list_partitions(target / name)
        for event in pq.read_table(one.file)["event_id"].to_pylist()
    ]


def contents(target: Path = TARGET) -> dict[str, bytes]:
    """Every visible file below, by path."""
    files = [file for file in target.rglob("*") if file.is_file() and file.suffix != ".lock"]
    return {str(file.relative_to(target)): file.read_bytes() for file in files}
