"""Events of people, written as partitions of data/feedback."""

import datetime
import hashlib
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa

from tasks.artifacts import sha256_of, write_json
from tasks.feedback import ACCEPTED
from tasks.partitions.write import Rows, describe
from tasks.records import FEEDBACK, write_table

START = datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)


def make_event(number: int, text: str | None, label: str, **changes: Any) -> dict[str, Any]:
    """The event of this number, a second after the one before."""
    moment = START + datetime.timedelta(seconds=number)
    return {
        "event_id": str(uuid.UUID(int=number)),
        "received_at": moment,
        "prediction_id": f"{number:032x}",
        "client": None,
        "rater": f"r_{number}",
        "label": label,
        "predicted": "neutral",
        "model_version": "v1.0.0",
        "predicted_at": moment - datetime.timedelta(hours=1),
        "text": text,
        "text_sha256": hashlib.sha256((text or "").encode()).hexdigest(),
        "comment": None,
        **changes,
    }


def write_partition(folder: Path, events: Iterable[dict[str, Any]], first_seq: int = 1) -> Path:
    """FOLDER is data/feedback."""
    rows = sorted(events, key=lambda event: event["event_id"])
    target = folder / ACCEPTED
    target.mkdir(parents=True, exist_ok=True)
    unnamed = target / "unnamed.parquet"
    table = pa.Table.from_pylist(rows, FEEDBACK)
    write_table(unnamed, table, FEEDBACK)
    sha256 = sha256_of(unnamed)
    file = unnamed.rename(target / f"part-{sha256[:20]}.parquet")
    last = max(range(len(rows)), key=lambda at: rows[at]["received_at"])
    seqs = Rows(
        [(first_seq, first_seq + len(rows) - 1)], (first_seq + last, rows[last]["event_id"])
    )
    manifest = describe(table, seqs, sha256)
    write_json(file.with_suffix(".json"), manifest.model_dump(mode="json"))
    return file
