"""What others have said, too: it stays theirs, and does not keep anybody from being forgotten."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Engine, delete, insert

from serving.store.engine import writing
from serving.store.tables import PREDICTIONS
from tasks.feedback import list_partitions
from tasks.forget.collect import collect
from tasks.forget.others import leave_others, rows_of_others
from tasks.forget.partitions import rewrite
from tasks.forget.search import find_holding, holds
from tasks.forget.store import erase, files_of, open_engine, read_said, scrub
from tasks.forget.traces import Traces, of_rater
from tasks.ingest_feedback.ingest import ingest
from tasks.partitions.place import locked
from tasks.partitions.publish import settle
from tasks.privacy import pseudonym
from tasks.text import normalise
from tests.tasks.feedback_store import (
    START,
    TARGET,
    ids_in,
    make_event,
    open_feedback,
    read_params,
    send,
    write_params,
)

LONG, SHORT = "Great product, thank you so much", "oh dear"
ANN = of_rater("ann", None)
SAME = [
    (f"{LONG}\n", {}),
    (f"{LONG} for all of it", {}),
    ("another text", {"comment": f"I say: {LONG}!"}),
    ("another text", {"comment": LONG}),
    ("another text", {"label": LONG}),
]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.chdir(tmp_path)
    write_params(tmp_path, max_partition_rows=1)
    with open_feedback() as engine:
        yield engine


def put(engine: Engine, number: int, rater: str, sent: str, changes: dict[str, Any]) -> str:
    """Returns the event's id."""
    prediction = {
        "prediction_id": f"{number:032x}", "created_at": START, "client": None, "role": "live",
        "model_version": "v1.0.0", "text": sent, "text_sha256": None, "label": "no",
        "probabilities": [1.0], "latency_ms": 1.0,
    }  # fmt: skip
    with writing(engine) as connection:
        connection.execute(insert(PREDICTIONS), [prediction])
    said = {"prediction_id": f"{number:032x}", "client": None, "rater": pseudonym(None, rater)}
    event = make_event(number, text=normalise(sent), text_sha256=None, comment=None, **said)
    send(engine, [event | changes])
    return str(event["event_id"])


def forget_ann(engine: Engine | None) -> Traces:
    with locked(TARGET, 1):
        settle(TARGET)
        traces = collect(TARGET, engine, ANN)
        rewrite(TARGET, traces, lambda event_ids: (2, event_ids[0]))
    return traces


@pytest.mark.parametrize(("sent", "changes"), SAME)
@pytest.mark.parametrize("own", [LONG, f"{LONG[:20]}&nbsp;{LONG[21:]}"])
def test_who_said_the_same_keeps_nobody_from_being_forgotten(
    store: Engine, own: str, sent: str, changes: dict[str, Any]
) -> None:
    put(store, 1, "ann", own, {})
    bob = put(store, 2, "bob", sent, changes)
    ingest(TARGET, read_params())
    (of_bob,) = (one.file for one in list_partitions(TARGET / "accepted") if bob in str(
        pq.read_table(one.file)["event_id"].to_pylist()))  # fmt: skip
    traces = forget_ann(store)
    assert find_holding([one.file for one in list_partitions(TARGET / "accepted")], traces) == []
    assert (of_bob.is_file(), ids_in()) == (True, [bob])
    with open_engine() as engine:
        assert engine
        assert erase(engine, sorted(traces.prediction_ids)) == 2
        scrub(engine)
        assert find_holding(files_of(engine), traces) == []


@pytest.mark.parametrize("has_store", [True, False])
@pytest.mark.parametrize("text", [LONG, SHORT])
def test_feedback_of_others_counts_though_their_predictions_are_gone(
    store: Engine, text: str, has_store: bool
) -> None:
    put(store, 1, "ann", text, {})
    bob = put(store, 2, "bob", text, {})
    ingest(TARGET, read_params())
    with writing(store) as connection:
        connection.execute(delete(PREDICTIONS))
    store.dispose()
    traces = forget_ann(store if has_store else None)
    assert traces.texts == frozenset()
    assert ids_in() == [bob]
    assert find_holding([one.file for one in list_partitions(TARGET / "accepted")], traces) == []


def test_feedback_of_others_that_is_not_yet_ingested_counts(store: Engine) -> None:
    put(store, 1, "ann", LONG, {})
    ingest(TARGET, read_params())
    put(store, 2, "bob", f"{LONG}\n", {})
    assert forget_ann(store).texts == frozenset()


def test_what_others_say_meanwhile_is_theirs(store: Engine) -> None:
    put(store, 1, "ann", LONG, {})
    traces = forget_ann(store)
    assert traces.texts == {LONG}
    put(store, 2, "bob", LONG, {})
    with store.connect() as connection:
        traces = leave_others(traces, rows_of_others(read_said(connection), traces))
    assert traces.texts == frozenset()


def test_a_part_of_what_others_said_is_found_as_a_whole_cell(store: Engine, tmp_path: Path) -> None:
    put(store, 1, "ann", LONG, {})
    put(store, 2, "bob", f"{LONG} for all of it", {})
    traces = forget_ann(store)
    file = tmp_path / "texts.parquet"
    for text, is_hers in ((LONG, True), (f"{LONG} for all of it", False)):
        pq.write_table(pa.table({"text": [text]}), file)
        assert holds(file, traces) == is_hers


def test_others_can_have_spelt_it_as_files_do(tmp_path: Path) -> None:
    text, quoted = 'she said "never again" to me', 'I quote: she said ""never again"" to me'
    theirs = pa.table({"prediction_id": ["p"], "text": [quoted]})
    pq.write_table(theirs, tmp_path / "theirs.parquet")
    traces = Traces(texts=frozenset([text]))
    assert holds(tmp_path / "theirs.parquet", traces)
    assert not holds(tmp_path / "theirs.parquet", leave_others(traces, [theirs]))
