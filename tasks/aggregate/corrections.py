"""Corrections as a source: one example per text, with the newest vote of each person."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tasks import feedback, records
from tasks.aggregate.collect import example_id
from tasks.aggregate.params import FeedbackSource
from tasks.aggregate.rows import Reject, reject
from tasks.aggregate.sources import Result
from tasks.text import normalise, sha256_of_text

Ints = npt.NDArray[np.int64]
_MASK = r"\[[a-z]+\]"  # as tasks/privacy.py puts in place of personal data
_ORDER = [("received_at", "ascending"), ("event_id", "ascending")]


def read_corrections(
    folder: Path, params: FeedbackSource, files: Sequence[pa.Table] = ()
) -> Result:
    """Every accepted partition below FOLDER; the same events give the same bytes, however cut.

    A text that was masked is put back where `files`, tables of AGGREGATED rows, have it anyway: it
    must be known as that text, or a correction of a test example would be learnt from.
    InputError for a partition that is not what its manifest says.
    """
    events = _unmask(_read_events(folder).sort_by(_ORDER), files)
    votes = _votes_of(events, params)
    usable = pc.and_(pc.is_valid(votes), pc.is_valid(events["text"]))
    rejects = [_explain(row, params) for row in events.filter(pc.invert(usable)).to_pylist()]
    examples = _gather(events.append_column("vote", votes).filter(usable), params.source)
    num_votes = pc.sum(pc.list_value_length(examples["votes"])).as_py() or 0
    return Result(params.source, events.num_rows, num_votes, examples, rejects)


def _read_events(folder: Path) -> pa.Table:
    partitions = feedback.list_partitions(folder / feedback.ACCEPTED)
    tables = [feedback.read_partition(partition) for partition in partitions]
    return pa.concat_tables([records.FEEDBACK.empty_table(), *tables])


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
    return events.set_column(column, events.schema.field(column), pa.array(texts, pa.string()))


def _votes_of(events: pa.Table, params: FeedbackSource) -> pa.ChunkedArray:
    if params.votes is None:
        return events["label"]
    place = pc.index_in(events["label"], value_set=pa.array(list(params.votes), pa.string()))
    votes = pa.array(list(params.votes.values()), pa.string())
    return pa.chunked_array([votes.take(chunk) for chunk in place.chunks], pa.string())


def _explain(event: dict[str, object], params: FeedbackSource) -> Reject:
    origin = f"{records.FEEDBACK_ORIGIN}:{event['event_id']}"
    if event["text"] is None:
        reason = "its text was not kept (serving.prediction_log.keep), so there is nothing to learn"
        return reject(origin, "no_text", reason, event["text_sha256"])
    reason = f"class {event['label']!r} has no vote in aggregate.feedback.votes {params.votes}"
    return reject(origin, "unknown_class", reason, event["text"])


def _gather(events: pa.Table, source: str) -> pa.Table:
    """AGGREGATED rows by id, so that training draws the same batches whoever was quicker to send;
    `events` in the order in which they came."""
    text, raters = events["text"].combine_chunks().dictionary_encode(), feedback.raters_of(events)
    code = text.indices.to_numpy()
    _, first = np.unique(code, return_index=True)
    kept = _newest_votes(code, raters.dictionary_encode().indices.to_numpy())
    counts = np.bincount(code[kept], minlength=len(first))
    ends = pa.array(np.concatenate([[0], np.cumsum(counts)]), pa.int32())
    earliest = events.take(pa.array(first)).combine_chunks()
    ids = [example_id(source, id_of_text(one)) for one in text.dictionary.to_pylist()]
    votes = events["vote"].combine_chunks()
    columns = [
        pa.array(ids, pa.string()),
        earliest["text"],
        pa.array([source] * len(ids), pa.string()),
        pa.ListArray.from_arrays(ends, votes.take(pa.array(kept))),
        pa.ListArray.from_arrays(ends, raters.take(pa.array(kept))),
        earliest["predicted_at"],
        pc.binary_join_element_wise(records.FEEDBACK_ORIGIN, earliest["event_id"], ":"),
    ]
    return pa.table(columns, schema=records.AGGREGATED).sort_by("example_id")


def _newest_votes(text: Ints, rater: Ints) -> Ints:
    """Places of the last vote of each rater on each text, by text and then by time."""
    pair = text.astype(np.int64) * (int(rater.max(initial=0)) + 1) + rater
    _, last = np.unique(pair[::-1], return_index=True)
    kept = np.sort(len(pair) - 1 - last)
    return kept[np.argsort(text[kept], kind="stable")]


def id_of_text(text: str) -> str:
    """The source's own id of an example: its text, whoever corrected it and when."""
    return f"text:{hashlib.blake2b(text.encode(), digest_size=16).hexdigest()}:1"
