"""Many wait for one commit: everybody gets an answer, the true one, whatever goes wrong."""

import datetime
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, event

from serving.store.engine import open_engine, writing
from serving.store.feedback_log import FeedbackLog, FullError
from serving.store.insert import insert_predictions
from serving.store.records import Outcome
from tasks.errors import FlywheelError
from tests.serving.store.corrections import (
    RULES,
    SECONDS,
    event_id_of,
    feedback_to,
    make_correction,
    read_events,
)
from tests.serving.store.predictions import POLICY, make_record


@pytest.fixture
def filled(store: Engine) -> Engine:
    insert_predictions(store, [make_record(number) for number in range(1200)], POLICY)
    return store


def test_each_is_on_the_disk_before_its_sender_hears_of_it(filled: Engine) -> None:
    with feedback_to(filled) as log:
        for number in range(20):
            assert log.put(make_correction(number)).result(SECONDS) == Outcome("stored", "bad")
            assert event_id_of(number) in read_events(filled)


def test_those_that_come_at_once_share_a_commit(filled: Engine) -> None:
    commits: list[int] = []
    event.listen(filled, "commit", lambda _: commits.append(1))
    with feedback_to(filled, max_waiting=1200) as log:
        with writing(filled):  # meanwhile they gather
            answers = [log.put(make_correction(number)) for number in range(1200)]
        assert {answer.result(SECONDS).verdict for answer in answers} == {"stored"}
    assert len(read_events(filled)) == 1200
    assert len(commits) <= 6


def test_many_clients_at_once_lose_and_double_nothing(filled: Engine, url: str) -> None:
    """Two services, as around a restart, and clients that send what they sent to the other."""
    second = open_engine(url)
    verdicts: list[str] = []

    def send(logs: tuple[FeedbackLog, FeedbackLog], start: int) -> None:
        for number in range(start, start + 100):
            answers = [log.put(make_correction(number)) for log in logs]
            verdicts.extend(answer.result(SECONDS).verdict for answer in answers)

    with feedback_to(filled) as one, feedback_to(second) as other, ThreadPoolExecutor(8) as pool:
        list(pool.map(send, [(one, other), (other, one)] * 4, [0, 0, 100, 100, 200, 200, 300, 300]))
    second.dispose()
    assert set(verdicts) <= {"stored", "repeated"}
    assert len(verdicts) == 1600
    assert read_events(filled).keys() == {event_id_of(number) for number in range(400)}


def test_one_that_cannot_be_stored_fails_alone(filled: Engine) -> None:
    naive = datetime.datetime(2026, 3, 29)
    bad = {7: {"comment": object()}, 300: {"received_at": naive}, 301: {"client": object()}}
    with feedback_to(filled) as log:
        with writing(filled):
            answers = [log.put(make_correction(n)._replace(**bad.get(n, {}))) for n in range(500)]
        assert isinstance(answers.pop(7).exception(SECONDS), FlywheelError)
        found = [answer.result(SECONDS).verdict for answer in answers]
    assert [number for number in range(499) if found[number] == "unfit"] == [299, 300]
    assert found.count("stored") == 497 == len(read_events(filled))


def test_beyond_its_room_it_takes_none_and_one_given_up_is_not_stored(filled: Engine) -> None:
    with feedback_to(filled, max_waiting=3) as log:
        with writing(filled):
            first = log.put(make_correction(0))
            wait_for_empty(log)  # it is being written
            answers = [log.put(make_correction(number)) for number in (1, 2, 3)]
            with pytest.raises(FullError):
                log.put(make_correction(4))
            assert answers[1].cancel()
        assert first.result(SECONDS) == answers[2].result(SECONDS) == Outcome("stored", "bad")
    assert read_events(filled).keys() == {event_id_of(number) for number in (0, 1, 3)}


def test_closing_stores_what_waits_and_takes_no_more(filled: Engine) -> None:
    log = FeedbackLog(filled, RULES, 1000, lambda _: {})
    with writing(filled):
        answers = [log.put(make_correction(number)) for number in range(300)]
        closing = threading.Thread(target=log.close, args=(SECONDS,))
        closing.start()
    closing.join(SECONDS)
    assert all(answer.done() for answer in answers)
    with pytest.raises(FullError):
        log.put(make_correction(301))
    assert len(read_events(filled)) == 300


def test_a_store_in_trouble_is_told_to_everybody_once_in_the_log_and_heals(
    filled: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    with feedback_to(filled) as log:
        rename(filled, "feedback", "gone")
        for number in range(3):
            with pytest.raises(FlywheelError) as caught:
                log.put(make_correction(number)).result(SECONDS)
            assert "\n" not in str(caught.value)
        rename(filled, "gone", "feedback")
        assert log.put(make_correction(0)).result(SECONDS).verdict == "stored"
    assert read_events(filled).keys() == {event_id_of(0)}
    assert len([line for line in caplog.messages if "corrections are refused" in line]) == 1


def test_an_error_nobody_thought_of_answers_too_and_ends_nothing(filled: Engine) -> None:
    def find(_: object) -> dict[str, object]:
        raise RuntimeError("secret")

    log = FeedbackLog(filled, RULES, 10, find)  # type: ignore[arg-type]
    for number in range(2):
        answer: Future[Outcome] = log.put(make_correction(number))
        assert "secret" not in str(answer.exception(SECONDS))
        assert isinstance(answer.exception(), FlywheelError)
    log.close(SECONDS)


def rename(store: Engine, old: str, new: str) -> None:
    with store.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {old} RENAME TO {new}")


def wait_for_empty(log: FeedbackLog) -> None:
    deadline = time.monotonic() + SECONDS
    while log.num_waiting:
        assert time.monotonic() < deadline
        time.sleep(0.005)
