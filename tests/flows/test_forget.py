"""A person or a prediction is forgotten in store, partitions, made data, cache and remote."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from sqlalchemy import Engine

from serving.store.engine import writing
from tasks.feedback import QUARANTINED, list_partitions
from tasks.ingest_feedback.ingest import ingest
from tasks.partitions.decide import decide, list_held, make_decision
from tasks.partitions.place import DECIDED, locked
from tasks.partitions.publish import settle
from tests.flows.forgetting import (
    ANN,
    SECRET,
    SHORT,
    feedback_of_ann,
    forget,
    holders,
    id_of,
    ids_of,
    put,
    text_of,
)
from tests.project import run
from tests.tasks.feedback_store import START, TARGET, ids_in, read_params

pytestmark = pytest.mark.slow


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    checkout = tmp_path / "checkout"  # its remote lies beside it
    checkout.mkdir()
    monkeypatch.chdir(checkout)
    with feedback_of_ann(checkout, {}) as engine:
        yield engine


def test_a_rater_is_gone_everywhere_and_others_stay(store: Engine) -> None:
    traces = (ANN, SECRET, SHORT, id_of(1), id_of(8), *ids_of(1, 2, 5, 6, 7, 8))
    before = holders(*traces)
    for place in ("data/feedback/accepted", "data/feedback/quarantined", "data/derive", "live/",
                  ".dvc/cache", "../flywheel-remote"):  # fmt: skip
        assert any(place in file for file in before), place
    done = forget("--rater", "ann", "--client", "k1")
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1] == "0 left"
    assert "6 events on 6 predictions" in done.stdout
    assert holders(*traces) == []
    assert sorted(ids_in()) == ids_of(3, 4)
    with store.connect() as connection:
        (rows,) = connection.exec_driver_sql("SELECT count(*) FROM predictions").one()
    assert rows == 2
    run(Path(), ["dvc", "repro", "-q"])
    assert pq.read_table("data/derive/texts.parquet").num_rows == 2
    run(Path(), ["dvc", "push", "-q"])
    assert holders(*traces) == []


def test_what_stays_is_not_ingested_again_and_what_comes_later_is(store: Engine) -> None:
    assert forget("--rater", "ann", "--client", "k1").returncode == 0
    assert ingest(TARGET, read_params()) == []
    put(store, 20)
    (made,) = ingest(TARGET, read_params())
    assert made.manifest.num_events == 1
    assert sorted(ids_in()) == ids_of(3, 4, 20)
    (empty,) = list_partitions(TARGET / QUARANTINED)
    assert (empty.manifest.num_events, empty.manifest.seqs) == (0, ((6, 7),))


def test_a_decision_outlives_those_it_was_about(store: Engine) -> None:
    with locked(TARGET, 10):
        settle(TARGET)
        decide(TARGET, list_held(TARGET), make_decision("rejected", "bob", f"{ANN} again", START))
    assert any(DECIDED in file for file in holders(*ids_of(6, 7)))
    done = forget("--prediction", id_of(6))
    assert done.returncode == 0, done.stdout
    assert holders(*ids_of(6)) == []
    (held,) = list_held(TARGET)
    assert held.decision is not None
    assert (held.decision.verdict, held.partition.manifest.num_events) == ("rejected", 1)
    assert forget("--rater", "ann", "--client", "k1").returncode == 0
    assert holders(ANN, *ids_of(6, 7)) == []
    (held,) = list_held(TARGET)
    assert held.decision is not None
    assert (held.decision.verdict, held.decision.why) == ("rejected", "somebody again")


def test_a_prediction_is_forgotten_with_all_that_was_said_of_it(store: Engine) -> None:
    done = forget("--prediction", id_of(3))
    assert done.returncode == 0, done.stdout
    assert holders(id_of(3), text_of(3), *ids_of(3)) == []
    assert sorted(ids_in()) == ids_of(1, 2, 4, 5, 6, 7)
    ingest(TARGET, read_params())
    assert sorted(ids_in()) == ids_of(1, 2, 4, 5, 6, 7, 8)
    seqs = sorted(one.manifest.seqs for one in list_partitions(TARGET / QUARANTINED))
    assert seqs == [((6, 7),), ((8, 8),)]


def test_a_text_that_others_have_sent_too_stays_theirs(store: Engine) -> None:
    put(store, 30, text=SECRET)
    with writing(store) as connection:
        connection.exec_driver_sql(
            "UPDATE predictions SET text = ? WHERE prediction_id = ?", (f"{SECRET}\n", id_of(30))
        )
    store.dispose()
    ingest(TARGET, read_params())
    done = forget("--rater", "ann", "--client", "k1")
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1] == "0 left"
    assert holders(ANN, *ids_of(1, 2, 5, 6, 7, 8)) == []
    assert sorted(ids_in()) == ids_of(3, 4, 30)
    with store.connect() as connection:
        found = connection.exec_driver_sql("SELECT text FROM feedback WHERE seq > 8").scalars()
        assert list(found) == [SECRET]


def test_what_it_may_not_touch_is_named_and_it_fails(store: Engine) -> None:
    bundle = Path("live/releases/v1.0.0/golden.json")
    bundle.parent.mkdir(parents=True)
    bundle.write_text(f'["{SECRET}"]')
    done = forget("--rater", "ann", "--client", "k1")
    assert done.returncode == 1
    assert f"live: looked through 1 files, 1 left: {bundle}" in done.stdout
    assert bundle.exists()


def test_nobody_is_nobody(store: Engine) -> None:
    before = ids_in()
    for arguments, meant in (
        (["--rater", "ann"], "where keys are on, CLIENT=key_id (`python -m serving.keys list`"),
        (["--rater", "bob", "--client", "k1"], "another CLIENT (`python -m serving.keys list`"),
    ):
        done = forget(*arguments)
        assert done.returncode == 1, done.stdout
        last = done.stdout.splitlines()[-1]
        assert last.startswith("forget failed: nothing found of that rater. ")
        assert meant in last
    assert ids_in() == before
