"""A look beside the running service: what it was asked is in the report, and it shows the rest."""

import datetime
from pathlib import Path

import httpx
import pytest

from tasks.monitor.live import find_live
from tests.serving.live_place import wait_for
from tests.tasks.monitor.live_side import LiveSide, phrases

pytestmark = [
    pytest.mark.slow, pytest.mark.parametrize("url", ["sqlite:///live/store.db"])
]  # fmt: skip


def test_what_was_asked_by_http_is_seen_and_shown(live_side: LiveSide) -> None:
    with live_side.live_place.serve() as served:
        asked = [served.predict(*phrases(30, seed=seed)) for seed in range(3)]
        assert {answer.status_code for answer in asked} == {200}

        def num_seen() -> int:
            report = live_side.look(datetime.datetime.now(datetime.UTC))
            return report.windows[-1].num_predictions

        wait_for(lambda: num_seen() == 90)
        report = live_side.report()
        assert report.error_share == 0.0
        assert report.notes == []
        assert report.num_since_release == 90
        assert report.windows[-1].latency_p99_ms > report.windows[-1].latency_p50_ms > 0
        page = httpx.get(f"{served.url}/metrics", timeout=30).text
        assert "flywheel_monitor_predictions 90.0" in page
        assert "flywheel_monitor_error_share 0.0" in page
    report = live_side.look(datetime.datetime.now(datetime.UTC))
    assert report.error_share is None
    assert report.notes == ["The share of failed requests is not known: no service runs."]


def test_live_since_is_when_it_last_went_live_not_when_it_was_rehearsed(
    live_side: LiveSide, packaged: Path
) -> None:
    place = live_side.live_place
    first = find_live(place.place)
    assert first is not None
    second = place.release("v1.1.0", packaged / "package/bundle")
    place.point(second)
    newer = find_live(place.place)
    assert newer is not None
    assert newer.target.version == "v1.1.0"
    assert newer.since > first.since
    place.point(first.target)  # back again: it counts from now on
    again = find_live(place.place)
    assert again is not None
    assert again.since > newer.since
    assert again.newest == "v1.0.0", "no release has a record here"
