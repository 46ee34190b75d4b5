"""Corrections as a source: one example per text, with the newest vote of each person."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tasks import feedback, records
from tasks.aggregate.newest import gather
from tasks.aggregate.params import FeedbackSource
from tasks.aggregate.rows import Reject, reject
from tasks.aggregate.sources import Result
from tasks.text import normalise, sha256_of_text

_MASK = r"\[[a-z]+\]"  # as tasks/privacy.py puts in place of personal data
_ORDER = [("received_at", "ascending"), ("event_id", "ascending")]
_USED = [
    "event_id",
    "received_at",
    "client",
    "rater",
    "label",
    "predicted_at",
    "text",
    "text_sha256",
]


class Corrections(NamedTuple):
    result: Result
    taken: pa.Table  # TAKEN rows, in the order in which they came


def read_corrections(
    folder: Path, params: FeedbackSource, files: Sequence[pa.Table] = ()
) -> Corrections:
    """Every accepted partition below FOLDER; the same events give the same bytes, however cut.

    A text that was masked is put back where `files`, tables of AGGREGATED rows, have it anyway: it
    must be known as that text, or a correction of a test example would be learnt from.
    InputError for a partition that is not what its manifest says.
    """
    events, texts = encode_texts(_unmask(_read_events(folder), files))
    events = events.sort_by(_ORDER)
    events = events.append_column("vote", _votes_of(events, params))
    usable = pc.and_(pc.is_valid(events["vote"]), pc.is_valid(events["text"]))
    rejects = [
        _explain(row, texts[row["text"]].as_py() if row["text"] is not None else None, params)
        for row in events.filter(pc.invert(usable)).to_pylist()
    ]
    examples, taken = gather(events.filter(usable), texts, params.source)
    num_votes = pc.sum(pc.list_value_length(examples["votes"])).as_py() or 0
    result = Result(params.source, events.num_rows, num_votes, examples, rejects)
    return Corrections(result, taken)


def _read_events(folder: Path) -> pa.Table:
    partitions = feedback.list_partitions(folder / feedback.ACCEPTED)
    tables = [feedback.read_partition(partition).select(_USED) for partition in partitions]
    return pa.concat_tables([records.FEEDBACK.empty_table().select(_USED), *tables])


def _unmask(events: pa.Table, files: Sequence[pa.Table]) -> pa.Table:
    masked = pc.match_substring_regex(events["text"], _MASK).fill_null(False)
    if not pc.any(masked).as_py():
        return events
    written = {sha256_of_text(text): text for table in files for text in table["text"].to_pylist()}
    texts = [
        normalise(written.get(sha256, text)) if is_masked else text
        for text, sha256, is_masked in zip(
            events["text"].to_pylist(), events["text_sha256"].to_pylist(), masked.to_pylist(),
            strict=True,
        )
    ]  # fmt: skip
    column = events.column_names.index("text")
    return events.set_column(column, "text", pa.array(texts, pa.large_string()))


def encode_texts(events: pa.Table) -> tuple[pa.Table, pa.LargeStringArray]:
    """The events with a number for each text, and the texts.

    All texts together may be above the 2 GiB that an array of `string` can hold, and need not lie
    in memory once per event.
    """
    encoded = events["text"].cast(pa.large_string()).dictionary_encode()
    texts = pc.unique(encoded).dictionary if len(encoded) else pa.array([], pa.large_string())
    codes = pa.chunked_array([chunk.indices for chunk in encoded.chunks], pa.int32())
    return events.set_column(events.column_names.index("text"), "text", codes), texts


def _votes_of(events: pa.Table, params: FeedbackSource) -> pa.ChunkedArray:
    if params.votes is None:
        return events["label"]
    place = pc.index_in(events["label"], value_set=pa.array(list(params.votes), pa.string()))
    votes = pa.array(list(params.votes.values()), pa.string())
    return pa.chunked_array([votes.take(chunk) for chunk in place.chunks], pa.string())


def _explain(event: dict[str, object], text: str | None, params: FeedbackSource) -> Reject:
    origin = f"{records.FEEDBACK_ORIGIN}:{event['event_id']}"
    if text is None:
        reason = "its text was not kept (serving.prediction_log.keep), so there is nothing to learn"
        return reject(origin, "no_text", reason, event["text_sha256"])
    reason = f"class {event['label']!r} has no vote in aggregate.feedback.votes {params.votes}"
    return reject(origin, "unknown_class", reason, text)
