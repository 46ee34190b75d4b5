"""What becomes of the store's rows: each event once, in the same bytes, whatever was before."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Engine, delete

from serving.store.tables import FEEDBACK
from tasks.errors import InputError
from tasks.feedback import ACCEPTED, list_partitions
from tasks.ingest_feedback.ingest import ingest
from tasks.live_store import NoStore
from tasks.records import FEEDBACK as COLUMNS
from tests.tasks.feedback_store import (
    TARGET,
    contents,
    ids_in,
    make_event,
    open_feedback,
    read_params,
    send,
    write_params,
)


def test_rows_become_one_partition_in_the_order_of_their_ids(store: Engine) -> None:
    events = [make_event(number) for number in range(10)]
    send(store, events)
    (made,) = ingest(TARGET, read_params())
    table = pq.read_table(made.file)
    assert table.schema.equals(COLUMNS)
    assert table.to_pylist() == sorted(events, key=lambda event: event["event_id"])
    manifest = made.manifest
    assert list_partitions(TARGET / ACCEPTED) == [made]
    assert (manifest.num_events, manifest.seqs) == (10, ((1, 10),))
    assert manifest.anchor == (10, events[9]["event_id"])
    assert manifest.labels == {"no": 4, "maybe": 3, "yes": 3}
    assert manifest.num_corrections == sum(e["label"] != e["predicted"] for e in events)
    assert manifest.first_received_at == events[0]["received_at"]
    assert manifest.last_received_at == events[9]["received_at"]
    assert manifest.days == {"2026-03-01": 10}
    assert made.file.name == f"part-{manifest.sha256[:20]}.parquet"


def test_columns_of_nulls_alone_stay_texts_and_a_later_text_is_read(store: Engine) -> None:
    bare = dict.fromkeys(("client", "rater", "text", "text_sha256", "comment"))
    send(store, [make_event(number, **bare) for number in range(70_000)])
    send(store, [make_event(70_000, text="", comment="\u0000 odd")])
    (made,) = ingest(TARGET, read_params())
    rows = pq.read_table(made.file, columns=["text", "comment", "rater"])
    assert rows.num_rows == 70_001
    assert [column.null_count for column in rows.columns] == [70_000, 70_000, 70_000 + 0]
    assert "" in rows["text"].to_pylist()


def test_what_was_ingested_is_not_ingested_again(store: Engine) -> None:
    send(store, [make_event(number) for number in range(5)])
    ingest(TARGET, read_params())
    before = contents()
    assert ingest(TARGET, read_params()) == []
    assert contents() == before
    send(store, [make_event(5)])
    (made,) = ingest(TARGET, read_params())
    assert made.manifest.seqs == ((6, 6),)
    assert sorted(ids_in()) == sorted(make_event(number)["event_id"] for number in range(6))


def test_many_rows_become_partitions_of_the_size_in_params(store: Engine, tmp_path: Path) -> None:
    write_params(tmp_path, max_partition_rows=7)
    send(store, [make_event(number) for number in range(20)])
    with store.begin() as connection:
        connection.execute(delete(FEEDBACK).where(FEEDBACK.c.seq.in_([3, 4, 20])))
    store.dispose()
    made = ingest(TARGET, read_params())
    assert [one.manifest.num_events for one in made] == [7, 7, 3]
    assert [one.manifest.seqs for one in made] == [((1, 9),), ((10, 16),), ((17, 19),)]
    assert len(set(ids_in())) == len(ids_in()) == 17


def test_a_partition_that_is_lost_with_its_manifest_is_made_again(store: Engine) -> None:
    for number in range(3):
        send(store, [make_event(number)])
        ingest(TARGET, read_params())
    before = contents()
    second = list_partitions(TARGET / ACCEPTED)[1].file
    second.unlink()
    with pytest.raises(InputError, match="its manifest vouches for 1 events"):
        ingest(TARGET, read_params())
    second.with_suffix(".json").unlink()
    ingest(TARGET, read_params())
    assert contents() == before


def test_a_store_put_back_to_an_earlier_state_gives_new_events_under_old_numbers(
    store: Engine,
) -> None:
    """Backup at 6, then 6 to 9 come and are ingested; after the restore 20 to 25 and 8 again."""
    send(store, [make_event(number) for number in range(3)])
    ingest(TARGET, read_params())
    send(store, [make_event(number) for number in range(3, 10)])
    ingest(TARGET, read_params())
    with store.begin() as connection:
        connection.execute(delete(FEEDBACK).where(FEEDBACK.c.seq > 6))
        connection.exec_driver_sql("UPDATE sqlite_sequence SET seq = 6")
    store.dispose()
    assert ingest(TARGET, read_params()) == []
    later = [*range(20, 26), 8]
    send(store, [make_event(number) for number in later])
    (made,) = ingest(TARGET, read_params())
    assert made.manifest.num_events == 6
    assert made.manifest.seqs == ((4, 13),)  # what was compared need not be read again
    expected = [make_event(number)["event_id"] for number in [*range(10), *range(20, 26)]]
    assert sorted(ids_in()) == sorted(expected)
    assert ingest(TARGET, read_params()) == []
    send(store, [make_event(9)])  # one more whose answer was lost with the store
    assert ingest(TARGET, read_params()) == []
    send(store, [make_event(30)])
    (made,) = ingest(TARGET, read_params())
    assert made.manifest.num_events == 1


@pytest.mark.parametrize("name", ["C# work", "100%41", "what?", "ä b"])
def test_a_store_is_found_in_a_folder_of_any_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / name / "live").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / name)
    write_params(Path())
    with open_feedback() as store:
        send(store, [make_event(0)])
    (made,) = ingest(TARGET, read_params())
    assert made.manifest.num_events == 1
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_no_store_or_no_table_is_nothing_to_ingest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_params(tmp_path)
    with pytest.raises(NoStore, match="no such store"):
        ingest(TARGET, read_params())
    assert not TARGET.exists()


def test_a_damaged_store_is_refused_and_nothing_is_written(store: Engine) -> None:
    send(store, [make_event(number) for number in range(20_000)])
    with store.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    store.dispose()
    file = Path("live/store.db")
    content = bytearray(file.read_bytes())
    half = len(content) // 2 // 4096 * 4096
    content[half : half + 40_960] = b"\xff" * 40_960
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"damaged: .*malformed. Put back a sound copy"):
        ingest(TARGET, read_params())
    file.write_bytes(b"no database" * 1000)
    with pytest.raises(InputError, match=r"damaged: .*not a database"):
        ingest(TARGET, read_params())
    assert contents() == {}


def test_columns_are_those_of_the_service() -> None:
    assert {"seq", *COLUMNS.names} == set(FEEDBACK.c.keys())
    assert pa.types.is_string(COLUMNS.field("event_id").type)
