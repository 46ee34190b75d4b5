"""Corrections no release has learnt from: exact whatever was ingested, and from whichever store."""

import datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from tasks.artifacts import write_json
from tasks.errors import InputError
from tasks.feedback import Partition
from tasks.ingest_feedback.ingest import ingest
from tasks.ingest_feedback.params import IngestFeedbackParams
from tasks.live_store import open_store
from tasks.monitor.report import Quality, Report
from tasks.monitor.store import Store
from tasks.monitor.unlearnt import Partitions, count_unlearnt, read_partitions
from tasks.params import load_params
from tests.tasks.monitor.live_side import HOUR, NOW, LiveSide, phrases

FEEDBACK, LEARNT = Path("data/feedback"), Path("live/monitor/learnt.json")


def take_in(**hold: float) -> Partition:
    """Everything that waits, as one partition."""
    shipped = load_params("ingest_feedback", IngestFeedbackParams)
    bounds = shipped.hold.model_copy(update=hold)
    (made,) = ingest(FEEDBACK, shipped.model_copy(update={"hold": bounds}))
    return made


def hold_back() -> Partition:
    """Everything that waits goes to quarantine: nobody may send more than a hundredth."""
    made = take_in(min_history_events=1, min_events=1, max_rater_share=0.01)
    assert made.file.parent.name == "quarantined"
    return made


def learn(*partitions: Partition) -> None:
    """As whoever starts the monitor says what the newest release was made from."""
    write_json(LEARNT, {"partitions": [one.name for one in partitions]})


def count(live_side: LiveSide, learnt: Path | None = None) -> int:
    with open_store() as connection:
        store = Store(connection, live_side.engine.dialect.name)
        return count_unlearnt(store, read_partitions(FEEDBACK, learnt))


def start_anew(live_side: LiveSide) -> None:
    """Another store in the same place: its row numbers begin at 1 again."""
    with live_side.engine.begin() as connection:
        if live_side.engine.dialect.name == "sqlite":
            connection.execute(text("DELETE FROM feedback"))
            connection.execute(text("DELETE FROM sqlite_sequence WHERE name = 'feedback'"))
        else:
            connection.execute(text("TRUNCATE feedback RESTART IDENTITY"))


def test_an_event_waits_until_the_newest_release_was_made_from_it(live_side: LiveSide) -> None:
    assert count(live_side) == 0
    live_side.correct(live_side.ask(phrases(30, seed=0), 10), share_right=0.5)
    assert count(live_side) == 30
    first = take_in()
    assert count(live_side) == 30, "nothing is known to be learnt"
    learn(first)
    assert count(live_side, LEARNT) == 0
    live_side.correct(live_side.ask(phrases(20, seed=1), 9), share_right=0.5)
    assert count(live_side, LEARNT) == 20
    second = take_in()
    assert count(live_side, LEARNT) == 20
    learn(first, second)
    assert count(live_side, LEARNT) == 0
    live_side.correct(live_side.ask(phrases(10, seed=2), 8), share_right=0.5)
    hold_back()
    assert count(live_side, LEARNT) == 0, "what is in quarantine teaches nothing"


def test_row_numbers_of_another_store_say_nothing(live_side: LiveSide) -> None:
    rows = live_side.ask(phrases(30, seed=0), 10)
    live_side.correct(rows, share_right=0.5)
    learn(take_in())
    start_anew(live_side)
    assert count(live_side, LEARNT) == 0
    live_side.correct(rows[:20], share_right=1.0)
    assert count(live_side, LEARNT) == 20
    assert take_in().manifest.num_events == 20
    assert count(live_side, LEARNT) == 20


def test_what_was_held_of_another_store_keeps_nobodys_word_back(live_side: LiveSide) -> None:
    rows = live_side.ask(phrases(60, seed=0), 10)
    live_side.correct(rows[:10], share_right=1.0)
    take_in()
    live_side.correct(rows[10:], share_right=0.0, rater="eve")
    hold_back()
    assert newest(live_side.look()).num_corrected == 10
    start_anew(live_side)
    live_side.correct(rows, share_right=1.0)
    assert newest(live_side.look()).num_corrected == 60


def newest(report: Report) -> Quality:
    (whole,) = (one for one in report.quality if not one.part and one.window == 2)
    return whole


@pytest.mark.parametrize("url", ["sqlite:///live/store.db"])
def test_what_is_held_for_a_person_neither_waits_nor_counts_as_quality(
    live_side: LiveSide,
) -> None:
    honest = live_side.ask(phrases(60, seed=0), 10)

    def now() -> tuple[int, float | None, set[str]]:
        report = live_side.look()
        events = {one.event for one in report.alerts}
        return report.num_labels_waiting, newest(report).accuracy, events

    live_side.correct(honest, share_right=1.0)
    accepted = take_in()
    live_side.correct(live_side.ask(phrases(60, seed=1), 9), share_right=0.0, rater="eve")
    assert now() == (120, 0.5, {"flywheel.labels.ready", "flywheel.quality.dropped"})
    held = hold_back()
    assert now() == (60, 1.0, {"flywheel.labels.ready"})
    learn(accepted)
    assert count(live_side, LEARNT) == 0
    held.file.unlink()
    with pytest.raises(InputError, match=r"missing.*dvc checkout data/feedback/quarantined"):
        live_side.look()


def test_a_list_that_is_none_is_no_empty_one(tmp_path: Path) -> None:
    file = tmp_path / "learnt.json"
    file.write_text("[]")
    with pytest.raises(InputError, match=r"learnt\.json.*Run the flow again"):
        read_partitions(tmp_path, file)
    assert read_partitions(tmp_path, None) == Partitions([], [], frozenset())


@pytest.mark.parametrize("url", ["sqlite:///live/store.db"])
def test_predictions_are_counted_since_what_is_live_went_live(live_side: LiveSide) -> None:
    since = datetime.datetime.now(datetime.UTC)
    hours_ago = (NOW - since) / HOUR
    live_side.ask(phrases(210, seed=0), hours_ago + 1)
    live_side.ask(phrases(30, seed=0), hours_ago - 1)
    assert live_side.look(since + 2 * HOUR).num_since_release == 30
    live_side.ask(phrases(190, seed=1), hours_ago - 1)
    report = live_side.look(since + 2 * HOUR)
    (alert,) = (one for one in report.alerts if one.event == "flywheel.volume.reached")
    assert alert.message == "220 predictions since v1.0.0"
