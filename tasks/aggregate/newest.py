"""From events to examples: one per text, with the newest vote of each person."""

import hashlib

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tasks import records
from tasks.aggregate.collect import example_id
from tasks.feedback import raters_of

Ints = npt.NDArray[np.int64]
_ROWS_AT_ONCE = 10_000  # whose texts are one Arrow array of `string`: 2 GiB at most
TAKEN = pa.schema(
    [
        pa.field("event_id", pa.string(), False, {"meaning": "the correction"}),
        pa.field("example_id", pa.string(), False, {"meaning": "the example that it is a vote on"}),
        pa.field("rater", pa.string(), False, {"meaning": "whose vote it is"}),
        pa.field(
            "superseded_by",
            pa.string(),
            True,
            {"meaning": "event_id of the rater's newest vote on the example; null: this is it"},
        ),
    ]
)


def gather(events: pa.Table, texts: pa.LargeStringArray, source: str) -> tuple[pa.Table, pa.Table]:
    """AGGREGATED rows by id, so that training draws the same batches whoever was quicker to send;
    and TAKEN rows of the events, which stand in the order in which they came."""
    used, first, code = np.unique(events["text"].to_numpy(), return_index=True, return_inverse=True)
    raters = raters_of(events)
    newest = _newest_votes(code, raters.dictionary_encode().indices.to_numpy())
    kept = np.flatnonzero(newest == np.arange(len(newest)))
    kept = kept[np.argsort(code[kept], kind="stable")]
    ends = pa.array(np.append(0, np.cumsum(np.bincount(code[kept]))), pa.int32())
    text = texts.take(pa.array(used))
    ids = pa.array([example_id(source, id_of_text(one)) for one in text.to_pylist()], pa.string())
    earliest = events.take(pa.array(first)).combine_chunks()
    votes = events["vote"].combine_chunks()
    columns = [
        ids,
        text,
        pa.array([source] * len(ids), pa.string()),
        pa.ListArray.from_arrays(ends, votes.take(pa.array(kept))),
        pa.ListArray.from_arrays(ends, raters.take(pa.array(kept))),
        earliest["predicted_at"],
        pc.binary_join_element_wise(records.FEEDBACK_ORIGIN, earliest["event_id"], ":"),
    ]
    examples = pa.table(columns, names=records.AGGREGATED.names)
    event_ids = events["event_id"].combine_chunks()
    replaced = pa.array(newest, mask=newest == np.arange(len(newest)))
    taken = [event_ids, ids.take(pa.array(code)), raters, event_ids.take(replaced)]
    return _by_id(examples), pa.table(taken, schema=TAKEN)


def _by_id(examples: pa.Table) -> pa.Table:
    order = pc.sort_indices(examples["example_id"])
    starts = range(0, len(order), _ROWS_AT_ONCE)
    parts = [examples.take(order[start : start + _ROWS_AT_ONCE]) for start in starts]
    return pa.concat_tables(part.cast(records.AGGREGATED) for part in [examples[:0], *parts])


def _newest_votes(text: Ints, rater: Ints) -> Ints:
    """For each vote the place of the same rater's last one on the same text."""
    pair = text.astype(np.int64) * (int(rater.max(initial=0)) + 1) + rater
    _, number = np.unique(pair, return_inverse=True)
    last = np.zeros(len(pair), dtype=np.int64)
    np.maximum.at(last, number, np.arange(len(pair)))
    return last[number]


def id_of_text(text: str) -> str:
    """The source's own id of an example: its text, whoever corrected it and when."""
    return f"text:{hashlib.blake2b(text.encode(), digest_size=16).hexdigest()}:1"
