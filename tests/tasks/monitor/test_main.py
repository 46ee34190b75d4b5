"""The command on a real store: what it reads, finds, writes and says, on SQLite and PostgreSQL."""

import re
from pathlib import Path

import pytest

from tasks.errors import InputError
from tasks.monitor.__main__ import main
from tasks.monitor.report import NOTHING_YET, Finding, Report
from tasks.releases import Place
from tests.tasks.monitor.live_side import HOUR, NOW, LiveSide, phrases, samples

HOSTILE = '<script>alert("x")</script>'


def fired(report: Report) -> set[str]:
    return {finding.title for finding in report.findings if finding.fired}


def find(report: Report, name: str, part: str = "") -> Finding:
    (found,) = (one for one in report.findings if (one.name, one.part) == (name, part))
    return found


def test_what_is_like_the_test_split_raises_no_alarm(live_side: LiveSide) -> None:
    for window, hours_ago in enumerate((70, 40, 10)):
        rows = live_side.ask(phrases(60, seed=window), hours_ago)
        live_side.correct(rows, share_right=0.85)
    report = live_side.look()
    assert [window.num_predictions for window in report.windows] == [60, 60, 60]
    assert fired(report) == set()
    assert report.test_accuracy == pytest.approx(5 / 6)
    assert [one.accuracy for one in report.quality if not one.part] == [0.85] * 3
    assert {one.delay_hours for one in report.quality if not one.part} == {1.0}
    assert {alert.event for alert in report.alerts} == {"flywheel.labels.ready"}


def test_another_language_and_flipped_labels_fire_when_they_persist(live_side: LiveSide) -> None:
    live_side.correct(live_side.ask(phrases(60, seed=0), 70), share_right=0.9)
    live_side.correct(live_side.ask(phrases(60, seed=1, is_away=True), 40), share_right=0.4)
    before = live_side.look(NOW - 24 * HOUR)
    assert fired(before) == {"quality.sudden"}, "of all others once is not yet twice"
    assert find(before, "inputs.non_ascii").num_held == 1

    live_side.correct(live_side.ask(phrases(60, seed=2, is_away=True), 10), share_right=0.4)
    report = live_side.look()
    assert fired(report) >= {"inputs.non_ascii", "inputs.unknown_tokens", "quality.level"}
    drift, drop, labels = report.alerts
    assert drift.event == "flywheel.drift.detected"
    assert drop.event == "flywheel.quality.dropped"
    assert labels.figures["number"] == 180
    rate = report.windows[-1].unknown_token_rate
    assert rate is not None
    assert rate > 0.5


def test_the_report_is_a_function_of_store_reference_params_and_now(live_side: LiveSide) -> None:
    live_side.correct(live_side.ask(phrases(60, seed=0), 10), share_right=0.7)
    kept = Path("live/monitor")
    looks = []
    for _ in range(2):
        live_side.look()
        looks.append({file.name: file.read_bytes() for file in kept.iterdir()})
    assert looks[0] == looks[1]
    (kept / "reference.json").write_text("{}")  # kept for speed alone
    live_side.look()
    assert {file.name: file.read_bytes() for file in kept.iterdir()} == looks[0]


def test_only_what_answers_within_the_windows_counts(live_side: LiveSide) -> None:
    texts = phrases(50, seed=0)
    live_side.ask(texts, 10)
    live_side.ask(texts, 10, role="shadow", model_version="v1.1.0")
    live_side.ask(texts, 10, role="canary", model_version="v1.1.0")
    live_side.ask(texts, 80)  # before the oldest window
    live_side.ask(texts, -1)  # after the newest
    report = live_side.look()
    assert [window.num_predictions for window in report.windows] == [0, 0, 100]
    assert report.windows[-1].by_version == {"v1.0.0": 50, "v1.1.0": 50}
    assert find(report, "inputs.words").windows[-1].num_rows == 100
    assert find(report, "predictions.classes").windows[-1].num_rows == 50, "of what is live"
    edge = live_side.ask(["good food"], 24)  # a window begins with its start
    assert edge[0]["created_at"] == report.windows[-1].start
    assert live_side.look().windows[-1].num_predictions == 101


def test_clients_and_slices_are_looked_at_by_themselves(live_side: LiveSide) -> None:
    mine = live_side.ask(phrases(60, seed=0), 10, client="k1")
    other = live_side.ask(phrases(60, seed=1, is_away=True), 10, client="k2")
    live_side.correct(mine, share_right=0.9)
    live_side.correct(other, share_right=0.2)
    report = live_side.look()
    assert find(report, "inputs.non_ascii", "client k2").windows[-1].holds
    assert find(report, "inputs.non_ascii", "client k1").windows[-1].holds is False
    accuracies = {one.part: one.accuracy for one in report.quality if one.window == 2}
    assert accuracies["client k1"] == pytest.approx(0.9)
    assert accuracies["client k2"] == pytest.approx(0.2)
    assert accuracies["slice negation"] is not None
    assert report.windows[-1].by_client == {"k1": 60, "k2": 60}


def test_texts_the_policy_does_not_keep_leave_predictions_to_look_at(live_side: LiveSide) -> None:
    live_side.ask(phrases(60, seed=0), 10, text=None)
    report = live_side.look()
    assert find(report, "inputs.words").windows[-1].holds is None
    assert find(report, "predictions.confidence").windows[-1].holds is False
    assert report.windows[-1].unknown_token_rate is None


def test_what_people_send_is_shown_as_text_alone(live_side: LiveSide) -> None:
    rows = live_side.ask([HOSTILE] * 60, 10, client=HOSTILE, label=HOSTILE)
    live_side.ask([HOSTILE] * 60, 10, client="k2")
    for row in rows:
        row["label"] = "NA"
    live_side.correct(rows, share_right=0.5, rater=HOSTILE)
    report = live_side.look()
    page = Path("live/monitor/report.html").read_text()
    assert any(HOSTILE in finding.part for finding in report.findings)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert not re.search(r"""(?:src|href)=["'](?!#)""", page), "it needs nothing but itself"
    assert page.count("<svg") == 3


def test_the_gauges_say_what_the_report_says(live_side: LiveSide) -> None:
    rows = live_side.ask(phrases(60, seed=0), 10)
    live_side.correct(rows, share_right=0.7)
    report = live_side.look()
    folder = live_side.folder
    effects = {one["labels"]["finding"]: one["value"]
               for one in samples(folder, "flywheel_monitor_drift_effect")
               if not one["labels"]["part"]}  # fmt: skip
    assert effects["inputs.words"] == find(report, "inputs.words").windows[-1].value
    accuracy = {one["labels"]["end"]: one["value"]
                for one in samples(folder, "flywheel_monitor_accuracy")
                if not one["labels"]["part"]}  # fmt: skip
    assert accuracy["middle"] == pytest.approx(0.7)
    assert accuracy["low"] < 0.7 < accuracy["high"]
    assert samples(folder, "flywheel_monitor_predictions")[0]["value"] == 60
    assert samples(folder, "flywheel_monitor_error_share") == [], "no service runs"
    fired_flags = samples(folder, "flywheel_monitor_fired")
    assert len(fired_flags) == len(report.findings)


def test_with_nothing_asked_yet_it_says_so(
    live_side: LiveSide, capsys: pytest.CaptureFixture[str]
) -> None:
    report = live_side.look()
    assert report.status == "no predictions in the windows"
    assert report.alerts == []
    assert {finding.is_judged for finding in report.findings} == {False}
    assert "no predictions in the windows" in Path("live/monitor/report.html").read_text()


@pytest.mark.parametrize("url", ["sqlite:///live/store.db"])
def test_without_release_or_store_there_is_nothing_to_watch(live_side: LiveSide) -> None:
    Path("live/store.db").unlink()
    report = live_side.look()
    assert (report.status, report.version) == (NOTHING_YET, "v1.0.0")
    assert report.notes == ["Nothing to watch yet: there is no store; make serve makes it."]
    Path("live/store.db").touch()
    assert "the store has no tables" in live_side.look().notes[0]
    Place(Path("live")).pointer.unlink()
    report = live_side.look()
    assert (report.status, report.version) == (NOTHING_YET, None)
    assert "no release is live" in report.notes[0]
    assert NOTHING_YET in Path("live/monitor/report.html").read_text()


@pytest.mark.parametrize("url", ["sqlite:///live/store.db"])
def test_what_cannot_be_used_is_one_line(live_side: LiveSide) -> None:
    with pytest.raises(InputError, match=r"nowhere\.parquet: no Parquet file there"):
        main(["nowhere.parquet", "live/monitor"])
    with pytest.raises(InputError, match="--now 2026-03-29T01:30: no offset"):
        main(["--now", "2026-03-29T01:30", "data/split/test.parquet", "live/monitor"])
    live_side.engine.dispose()
    for file in Path("live").glob("store.db*"):
        file.unlink()
    Path("live/store.db").write_bytes(b"this is no database, whatever its name says" * 100)
    with pytest.raises(InputError, match=r"live/store\.db: damaged: .*not a database"):
        live_side.look()
    assert not Path("live/monitor/report.json").exists()
