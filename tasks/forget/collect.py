"""What there is of a subject, from the store and from the partitions, before anything goes."""

from itertools import chain
from pathlib import Path

import pyarrow as pa
from sqlalchemy import Engine

from tasks.forget.others import leave_others, rows_of_others
from tasks.forget.partitions import read_tables
from tasks.forget.store import read_feedback, read_predictions, read_said
from tasks.forget.traces import Subject, Traces, find_events, find_predictions, traces_of


def collect(target: Path, engine: Engine | None, subject: Subject) -> Traces:
    """A text that others have sent, too, is no trace: theirs stays."""
    tables = read_tables(target)
    ids = {one for table in tables for one in find_predictions(table, subject)}
    if subject.prediction_id:
        ids.add(subject.prediction_id)
    if engine is None:
        traces = _traces(tables, subject, ids)
        return leave_others(traces, rows_of_others(tables, traces))
    with engine.connect() as connection:
        ids |= find_predictions(read_feedback(connection, "rater", subject.raters), subject)
        stored = read_feedback(connection, "prediction_id", sorted(ids))
        sent = [text for _, text in read_predictions(connection, sorted(ids)) if text]
        traces = _traces([*tables, stored], subject, ids)
        traces = traces._replace(texts=traces.texts.union(sent))
        said = chain(tables, read_said(connection))
        return leave_others(traces, rows_of_others(said, traces))


def _traces(tables: list[pa.Table], subject: Subject, prediction_ids: set[str]) -> Traces:
    theirs = [table.filter(find_events(table, prediction_ids)) for table in tables]
    return traces_of(theirs, subject, prediction_ids)
