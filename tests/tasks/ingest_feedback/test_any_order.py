"""Orders, repetitions, interruptions and two ingesters: one set of events, one set of bytes."""

import random
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, delete
from sqlalchemy.dialects.sqlite import insert

from serving.store.engine import writing
from serving.store.tables import FEEDBACK
from tasks.feedback import list_partitions
from tasks.ingest_feedback.ingest import ingest
from tests.tasks.feedback_store import (
    TARGET,
    contents,
    ids_in,
    make_event,
    read_params,
    write_params,
)

EVENTS = [make_event(number) for number in range(40)]
IDS = sorted(event["event_id"] for event in EVENTS)


def send_repeatedly(engine: Engine, events: list[dict[str, Any]]) -> None:
    statement = insert(FEEDBACK).on_conflict_do_nothing(index_elements=["event_id"])
    with writing(engine) as connection:
        for event in events:
            connection.execute(statement, event)
    engine.dispose()


def ingest_by_two() -> None:
    errors: list[BaseException] = []

    def one() -> None:
        try:
            ingest(TARGET, read_params())
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


@pytest.mark.slow
def test_a_hundred_ways_give_the_same_events_and_a_lone_ingest_the_same_bytes(
    store: Engine, tmp_path: Path
) -> None:
    write_params(tmp_path, max_partition_rows=100)
    whole: dict[str, bytes] = {}
    for seed in range(100):
        dice = random.Random(seed)
        with store.begin() as connection:
            connection.execute(delete(FEEDBACK))
            connection.exec_driver_sql("DELETE FROM sqlite_sequence")
        shutil.rmtree(TARGET, ignore_errors=True)
        sent = [event for event in EVENTS for _ in range(dice.randint(1, 50))]
        dice.shuffle(sent)
        while sent:
            size = dice.randint(1, len(sent))
            send_repeatedly(store, sent[:size])
            del sent[:size]
            ingest_by_two() if dice.random() < 0.5 else ingest(TARGET, read_params())
        assert sorted(ids_in()) == IDS
        assert sum(one.manifest.num_events for one in list_partitions(TARGET / "accepted")) == 40
        shutil.rmtree(TARGET)
        ingest_by_two()
        found = {path: content for path, content in contents().items() if "json" not in path}
        whole = whole or found
        assert found == whole  # though the rows' numbers were others
        before = contents()
        shutil.rmtree(TARGET)
        ingest(TARGET, read_params())
        assert contents() == before
