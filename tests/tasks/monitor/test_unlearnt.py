"""Corrections no release has learnt from: exact whatever has been ingested, in whatever order."""

import datetime
import itertools
from pathlib import Path

import numpy as np
import pytest

from tasks.artifacts import write_json
from tasks.feedback import ACCEPTED, QUARANTINED, Manifest
from tasks.live_store import open_store
from tasks.monitor.report import Report
from tasks.monitor.store import Store
from tasks.monitor.unlearnt import Partitions, count_unlearnt, ranges_of
from tasks.releases import Release
from tests.tasks.monitor.live_side import HOUR, NOW, LiveSide, phrases

NO_PARTITIONS = Partitions((), ())


def manifest(*seqs: tuple[int, int], last: datetime.datetime = NOW) -> Manifest:
    return Manifest(
        sha256="0" * 64, num_events=sum(end - start + 1 for start, end in seqs), seqs=seqs,
        first_received_at=last - HOUR, last_received_at=last, labels={}, held_because=None,
        anchor=None, days={}, num_corrections=0,
    )  # fmt: skip


def count(live_side: LiveSide, partitions: Partitions, judged_at: datetime.datetime | None) -> int:
    with open_store() as connection:
        store = Store(connection, live_side.engine.dialect.name)
        return count_unlearnt(store, partitions, judged_at)


def test_ranges_hold_what_the_manifests_name_in_any_order() -> None:
    manifests = [manifest((1, 3), (7, 7)), manifest((4, 5)), manifest((7, 9), (20, 20))]
    expected = [1, 2, 3, 4, 5, 7, 8, 9, 20]
    for order in itertools.permutations(manifests):
        ranges = ranges_of(order)
        assert np.flatnonzero(ranges.holds(np.arange(0, 30))).tolist() == expected
        assert ranges.end_of_start() == 5
    assert ranges_of([]).holds(np.arange(3)).tolist() == [False] * 3
    assert ranges_of([]).end_of_start() == 0
    assert ranges_of([manifest((2, 9))]).end_of_start() == 0, "1 may come yet"


def test_rows_of_the_store_wait_until_a_partition_holds_them(live_side: LiveSide) -> None:
    assert count(live_side, NO_PARTITIONS, None) == 0
    live_side.correct(live_side.ask(phrases(30, seed=0), 10), share_right=0.5)
    assert count(live_side, NO_PARTITIONS, None) == 30
    old = NOW - 5 * HOUR  # judged later: the newest release has learnt from it
    assert count(live_side, Partitions([manifest((1, 10), last=old)], ()), NOW - HOUR) == 20
    assert count(live_side, Partitions([manifest((1, 10))], ()), NOW - HOUR) == 30
    assert count(live_side, Partitions([manifest((5, 9), last=old)], ()), NOW - HOUR) == 25
    held = Partitions((), [manifest((1, 10))])
    assert count(live_side, held, NOW - HOUR) == 20, "what is in quarantine teaches nothing"


def judge(live_side: LiveSide, at: datetime.datetime) -> None:
    """The record beside a bundle, as adoption writes it."""
    folder = live_side.live_place.place.release("v1.0.0")
    release = Release(
        version="v1.0.0", manifest_sha256="0" * 64, run="run", commit="", judged_at=at,
        decision="passed", champion=None,
    )  # fmt: skip
    write_json(folder / "release.json", release.model_dump(mode="json"))


def write_partition(kind: str, made: Manifest) -> None:
    write_json(Path("data/feedback") / kind / "part-a.json", made.model_dump(mode="json"))


@pytest.mark.parametrize("url", ["sqlite:///live/store.db"])
def test_what_is_held_for_a_person_neither_waits_nor_counts_as_quality(
    live_side: LiveSide,
) -> None:
    judge(live_side, NOW - 20 * HOUR)
    honest = live_side.ask(phrases(60, seed=0), 10)
    live_side.correct(honest, share_right=1.0)
    live_side.correct(live_side.ask(phrases(60, seed=1), 9), share_right=0.0, rater="eve")

    def now() -> tuple[int, float | None, set[str]]:
        report: Report = live_side.look()
        (whole,) = (one for one in report.quality if not one.part and one.window == 2)
        return report.num_labels_waiting, whole.accuracy, {one.event for one in report.alerts}

    assert now() == (120, 0.5, {"flywheel.labels.ready", "flywheel.quality.dropped"})
    write_partition(QUARANTINED, manifest((61, 120)))
    assert now() == (60, 1.0, {"flywheel.labels.ready"})
    write_partition(ACCEPTED, manifest((1, 60)))
    assert now() == (60, 1.0, {"flywheel.labels.ready"})
    judge(live_side, NOW + HOUR)
    assert now() == (0, 1.0, set())


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
