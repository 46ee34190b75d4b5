"""Raters kept as they were sent: a name is found as a person of a client, never by itself."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.feedback import raters_of
from tasks.forget.search import holds
from tasks.forget.traces import find_predictions, of_rater, traces_of
from tasks.privacy import pseudonym

SENT = [("k1", "ann"), ("k2", "ann"), (None, "ann"), ("k1", "anna"), ("k1", None)]
EVENTS = pa.table({
    "event_id": [f"event-{number}" for number in range(len(SENT))],
    "prediction_id": [f"p{number}" for number in range(len(SENT))],
    "client": [client for client, _ in SENT],
    "rater": [rater for _, rater in SENT],
    "text": [None] * len(SENT),
})  # fmt: skip


@pytest.mark.parametrize(("client", "place"), [("k1", 0), ("k2", 1), (None, 2)])
def test_a_name_of_one_client_is_nobody_else(
    client: str | None, place: int, tmp_path: Path
) -> None:
    subject = of_rater("ann", client)
    assert find_predictions(EVENTS, subject) == {f"p{place}"}
    traces = traces_of([EVENTS.slice(0, 0)], subject, set())
    for number, rater in enumerate(raters_of(EVENTS).to_pylist()):
        file = tmp_path / "examples.parquet"
        pq.write_table(pa.table({"raters": [[rater, "bob"]]}), file)
        assert holds(file, traces) == (number == place)
        pq.write_table(pa.table({"raters": [["k9:x", pseudonym(client, "ann")]]}), file)
        assert holds(file, traces)
