"""Old predictions end, a chunk at a time; no newer one does, and nobody who writes is harmed."""

import datetime
import threading
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, func, select

from serving.store import retention
from serving.store.engine import open_engine
from serving.store.insert import insert_predictions
from serving.store.retention import delete_old
from serving.store.schema import upgrade
from serving.store.tables import PREDICTIONS
from tests.serving.conftest import Bundles
from tests.serving.live_place import LivePlace, wait_for
from tests.serving.store.predictions import MOMENT, POLICY, make_record, read_rows

DAY = datetime.timedelta(1)


def fill(store: Engine, num: int, **changes: object) -> None:
    insert_predictions(store, [make_record(number, **changes) for number in range(num)], POLICY)


def test_the_oldest_end_first_and_what_is_as_old_as_the_bound_stays(
    store: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_CHUNK", 2)
    moments = [MOMENT - number * DAY for number in range(6)]
    records = [make_record(n, created_at=moment) for n, moment in enumerate(moments)]
    insert_predictions(store, records, POLICY)
    assert delete_old(store, MOMENT - 2 * DAY) == 2
    assert sorted(read_rows(store)) == ["p000000", "p000001", "p000002", "p000003"]
    assert delete_old(store, MOMENT - 2 * DAY) == 1
    assert delete_old(store, MOMENT - 2 * DAY) == 0
    assert sorted(read_rows(store)) == ["p000000", "p000001", "p000002"]


def test_the_bound_is_a_moment_wherever_its_clock_stands(store: Engine) -> None:
    fill(store, 1)
    elsewhere = datetime.timezone(datetime.timedelta(hours=5))
    assert delete_old(store, MOMENT.astimezone(elsewhere)) == 0
    assert delete_old(store, (MOMENT + datetime.timedelta(seconds=1)).astimezone(elsewhere)) == 1


def test_several_services_of_one_store_may_delete_while_predictions_are_written(
    store: Engine, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_CHUNK", 50)
    fill(store, 1000, created_at=MOMENT - DAY)
    deleted: list[int] = []

    def delete_all() -> None:
        engine = open_engine(url)
        while num := delete_old(engine, MOMENT):
            deleted.append(num)
        engine.dispose()

    threads = [threading.Thread(target=delete_all) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(20):
        insert_predictions(store, [make_record(2000 + number)], POLICY)
    for thread in threads:
        thread.join(60)
    assert sum(deleted) == 1000
    assert sorted(read_rows(store)) == [f"p{2000 + number:06}" for number in range(20)]


def test_the_running_service_deletes_them_by_itself(
    live_place: LivePlace, bundles: Bundles
) -> None:
    live_place.write_params(prediction_log__keep_days=30.0, feedback__max_days=30.0)
    live_place.point(live_place.release("v1.0.0", bundles.first))
    now = datetime.datetime.now(datetime.UTC)
    store = open_engine(f"sqlite:///{live_place.folder}/live/store.db")
    upgrade(store)
    fill(store, 2500, created_at=now - 31 * DAY)
    insert_predictions(store, [make_record(9999, created_at=now - 29 * DAY)], POLICY)
    with live_place.serve() as served:
        assert served.predict("a").status_code == 200
        wait_for(lambda: count(live_place.folder) == 2)
        assert '"1000 predictions of before ' in served.log.read_text()
    assert "p009999" in read_rows(store)
    store.dispose()


def count(folder: Path) -> int:
    engine = create_engine(f"sqlite:///{folder}/live/store.db")
    with engine.connect() as connection:
        found: int = connection.execute(select(func.count()).select_from(PREDICTIONS)).scalar_one()
    engine.dispose()
    return found
