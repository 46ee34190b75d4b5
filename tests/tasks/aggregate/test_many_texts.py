"""Texts of corrections that are more than one Arrow array can hold, which ends at 2 GiB."""

import pyarrow as pa
import pytest

from tasks.aggregate.corrections import encode_texts, read_corrections
from tasks.aggregate.params import FeedbackSource
from tests.feedback_partitions import make_event, write_partition

NUM_TEXTS = 25_000


def test_no_array_of_the_examples_holds_all_texts(tmp_path):
    events = [make_event(n, f"text {n}", "positive") for n in range(NUM_TEXTS)]
    write_partition(tmp_path, events)
    examples = read_corrections(tmp_path, FeedbackSource(source="feedback", votes=None))[0].examples
    assert max(map(len, examples["text"].chunks)) <= 10_000
    assert set(examples["text"].to_pylist()) == {event["text"] for event in events}
    ids = examples["example_id"].to_pylist()
    assert ids == sorted(ids)


@pytest.mark.slow
def test_events_may_hold_more_than_an_array_of_texts_can():
    """One array in memory, 22 times in the column."""
    some = pa.array(["x" * (1 << 20), *("y" * (1 << 20) for _ in range(99))], pa.string())
    events = pa.table({"text": pa.chunked_array([some] * 22)})
    coded, texts = encode_texts(events)
    assert [len(text) for text in texts.to_pylist()] == [1 << 20] * 2
    assert coded["text"].to_pylist() == ([0] + [1] * 99) * 22
