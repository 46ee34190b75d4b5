"""What the service hands over is written once, in the background, whatever is in it."""

import contextlib
import datetime
import hashlib
import math
import time
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, text

from serving.store.engine import open_engine, writing
from serving.store.prediction_log import PredictionLog
from serving.store.records import LogState
from tests.serving.store.predictions import MOMENT, PARAMS, PRIVACY, make_record, read_rows

SECONDS = 20.0


@contextlib.contextmanager
def logging_to(store: Engine, **params: Any) -> Iterator[PredictionLog]:
    log = PredictionLog(store, PARAMS.model_copy(update=params), PRIVACY)
    try:
        yield log
    finally:
        log.close(SECONDS)


def write_all(store: Engine, records: list[Any], **params: Any) -> LogState:
    with logging_to(store, **params) as log:
        assert log.put(records) == 0
    return log.state()


@pytest.mark.parametrize(
    ("keep", "kept", "sha256"),
    [
        ("text", "a  &amp; b", hashlib.sha256(b"a & b").hexdigest()),
        ("hash", None, hashlib.sha256(b"a & b").hexdigest()),
        ("nothing", None, None),
    ],
)
def test_a_prediction_is_kept_as_far_as_the_policy_says(
    keep: str, kept: str | None, sha256: str | None, store: Engine
) -> None:
    record = make_record(1, text="a  &amp; b", client="k1", role="shadow")
    assert write_all(store, [record], keep=keep) == LogState(1, 0, 0, 0, "")
    row = read_rows(store)["p000001"]
    assert row == {**record._asdict(), "text": kept, "text_sha256": sha256}
    assert row["created_at"].tzinfo is datetime.UTC


@pytest.mark.parametrize("sent", ["mail  ann@example.org", "mail ann&#64;example.org"])
def test_who_somebody_is_does_not_reach_the_store_but_the_hash_is_of_what_was_sent(
    sent: str, store: Engine
) -> None:
    write_all(store, [make_record(1, text=sent)])
    row = read_rows(store)["p000001"]
    assert row["text"] == "mail [email]"
    assert row["text_sha256"] == hashlib.sha256(b"mail ann@example.org").hexdigest()


def test_what_waits_is_found_and_what_is_written_is_in_the_store(store: Engine) -> None:
    with logging_to(store) as log:
        with writing(store) as other:
            if store.dialect.name == "postgresql":
                other.execute(text("LOCK TABLE predictions"))
            log.put([make_record(number) for number in range(100)])
            found = log.find({"p000007", "p000099", "p999999"})
        assert found == {key: make_record(int(key[1:])) for key in ("p000007", "p000099")}
    assert log.find({"p000007"}) == {}
    assert "p000007" in read_rows(store)


TEXTS = [
    "",
    "NA",
    "null",
    "'; DROP TABLE predictions; --",
    "%s %(x)s :x ?",
    "👍🏽 می‌خواهم",
    "\r\n\x1b[31m",
    "x" * 20_000,
]


def test_any_text_comes_back_as_it_was(store: Engine) -> None:
    write_all(store, [make_record(index, text=text) for index, text in enumerate(TEXTS)])
    assert [row["text"] for row in read_rows(store).values()] == TEXTS


def test_a_time_of_another_zone_is_the_same_moment(store: Engine) -> None:
    there = MOMENT.astimezone(datetime.timezone(datetime.timedelta(hours=-7)))
    write_all(store, [make_record(1, created_at=there)])
    assert read_rows(store)["p000001"]["created_at"] == MOMENT


def test_many_batches_are_written_in_order_and_all(store: Engine) -> None:
    state = write_all(store, [make_record(number) for number in range(1700)])
    assert state == LogState(1700, 0, 0, 0, "")
    assert len(read_rows(store)) == 1700


def test_a_prediction_that_is_there_already_stays_as_it_is(store: Engine) -> None:
    write_all(store, [make_record(1), make_record(2)])
    state = write_all(store, [make_record(2, label="other"), make_record(3)])
    assert state.written == 2
    rows = read_rows(store)
    assert [row["label"] for row in rows.values()] == ["good"] * 3


def test_bad_predictions_are_set_aside_and_all_others_written(
    store: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    records = [make_record(number) for number in range(1000)]
    bad = {
        17: {"probabilities": [math.nan]}, 18: {"text": "secret \ud800"}, 500: {"label": None},
        501: {"role": "other"}, 502: {"created_at": MOMENT.replace(tzinfo=None)},
        503: {"label": object()}, 999: {"latency_ms": "secret"},
    }  # fmt: skip
    if store.dialect.name == "postgresql":  # SQLite takes both
        bad[0] = {"text": "secret \0"}
    else:
        del bad[999]
    for number, changes in bad.items():
        records[number] = make_record(number, **changes)
    state = write_all(store, records)
    assert state == LogState(1000 - len(bad), 0, len(bad), 0, "")
    assert read_rows(store).keys() == {f"p{n:06}" for n in range(1000)} - {f"p{n:06}" for n in bad}
    assert "predictions set aside, the first: " in caplog.messages[0]
    assert len(caplog.messages) <= 2  # one for each batch
    assert "secret" not in caplog.text


def test_closing_writes_what_waits_and_nothing_is_taken_after(store: Engine) -> None:
    log = PredictionLog(store, PARAMS, PRIVACY)
    log.put([make_record(number) for number in range(600)])
    assert log.close(SECONDS) == 0
    assert log.put([make_record(601)]) == 1
    assert log.state() == LogState(600, 1, 0, 0, "")
    assert len(read_rows(store)) == 600


def test_what_has_no_room_is_dropped_newest_first_and_putting_never_waits(store: Engine) -> None:
    with logging_to(store, max_waiting=100) as log:
        with writing(store) as other:  # nobody else may write now
            if store.dialect.name == "postgresql":
                other.execute(text("LOCK TABLE predictions"))
            started = time.perf_counter()
            dropped = [log.put([make_record(number)]) for number in range(1000)]
            took = time.perf_counter() - started
            assert log.state() == LogState(0, 900, 0, 100, "")
        assert dropped == [0] * 100 + [1] * 900
        assert took < 1
    assert read_rows(store).keys() == {f"p{number:06}" for number in range(100)}


def test_two_services_write_into_one_store_while_one_follows_the_other(
    store: Engine, url: str
) -> None:
    second = open_engine(url)
    with logging_to(store) as log, logging_to(second) as other:
        for number in range(0, 6000, 20):
            half = [make_record(number + step) for step in range(20)]
            log.put(half[:12])  # some come to both
            other.put(half[8:])
            time.sleep(0.0005)
    second.dispose()
    assert (log.state(), other.state()) == (LogState(3600, 0, 0, 0, ""),) * 2
    assert len(read_rows(store)) == 6000


def test_long_texts_take_more_room_but_one_always_fits(store: Engine) -> None:
    with logging_to(store, max_waiting=10) as log:
        long = [make_record(number, text="x" * 4500) for number in range(3)]
        assert log.put(long) == 1
    with logging_to(store, max_waiting=1) as log:
        assert log.put([make_record(7, text="x" * 20_000)]) == 0
    assert read_rows(store).keys() == {"p000000", "p000001", "p000007"}


def test_putting_costs_the_caller_microseconds(store: Engine) -> None:
    records = [make_record(number) for number in range(10_000)]
    with logging_to(store) as log:
        costs = []
        for record in records:
            started = time.perf_counter()
            log.put([record])
            costs.append(time.perf_counter() - started)
    costs.sort()
    assert costs[5000] < 50e-6
    assert log.state().written == 10_000
