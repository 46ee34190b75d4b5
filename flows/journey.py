"""Where a correction lies on its way in: in the store, and in a partition."""

import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tasks import feedback
from tasks.errors import InputError
from tasks.live_store import open_store

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_COLUMNS = (
    "event_id", "received_at", "client", "rater", "label", "predicted", "prediction_id",
    "model_version", "predicted_at", "text",
)  # fmt: skip
Event = dict[str, Any]


def check_event_id(event_id: str) -> None:
    """InputError for what no client can have sent."""
    if not re.fullmatch(_UUID, event_id):
        raise InputError(
            f"{event_id!r}: no event_id, expected a UUID in small letters, as POST /v1/feedback "
            "takes it. See what the client sent."
        )


def find_in_store(event_id: str) -> Event | None:
    """The row that was acknowledged; None: it is not there. Errors as of `open_store`."""
    check_event_id(event_id)
    query = f"SELECT {', '.join(_COLUMNS)} FROM feedback WHERE event_id = '{event_id}'"
    with open_store() as store, store.cursor() as cursor:
        cursor.execute(query)
        rows: list[Event] = cursor.fetch_arrow_table().to_pylist()
    return rows[0] if rows else None


def find_in_partitions(folder: Path, event_id: str) -> tuple[Path, Event] | None:
    """The partition below data/feedback that holds it, accepted or not, and its row there."""
    for kind in (feedback.ACCEPTED, feedback.QUARANTINED):
        for partition in feedback.list_partitions(folder / kind):
            table = pq.read_table(partition.file, filters=[("event_id", "=", event_id)])
            if table.num_rows:
                return partition.file, table.to_pylist()[0]
    return None
