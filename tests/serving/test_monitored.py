"""What the monitor left in its file stands at /metrics, and damage there costs nothing else."""

import datetime
import json
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tasks.artifacts import write_json
from tasks.gauges import FILE, Gauge, Gauges, Sample
from tests.serving.conftest import Bundles
from tests.serving.live_place import LivePlace

AGE_SECONDS = 600
HOSTILE = 'a"} 1\nflywheel_forged{x="'


def leave(folder: Path, value: float) -> Path:
    at = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=AGE_SECONDS)
    samples = [Sample(labels={"finding": "inputs.words", "part": HOSTILE}, value=value),
               Sample(labels={"finding": "inputs.texts", "part": ""}, value=0.5)]  # fmt: skip
    made = Gauges(at=at, gauges=[Gauge(name="flywheel_monitor_drift_effect", meaning="How far",
                                       samples=samples)])  # fmt: skip
    file = folder / "live" / FILE
    write_json(file, made.model_dump(mode="json"))
    return file


def metrics(url: str) -> dict[str, dict[str, float]]:
    """By name, values by their labels."""
    page = httpx.get(f"{url}/metrics", timeout=30)
    assert page.status_code == 200
    return {
        family.name: {json.dumps(one.labels): one.value for one in family.samples}
        for family in text_string_to_metric_families(page.text)
    }


@pytest.mark.slow
def test_the_service_shows_what_the_monitor_found_last(
    live_place: LivePlace, bundles: Bundles
) -> None:
    live_place.point(live_place.release("v1.0.0", bundles.first))
    with live_place.serve() as served:
        own = metrics(served.url)
        assert "flywheel_waiting_texts" in own
        assert not any(name.startswith("flywheel_monitor") for name in own)

        file = leave(live_place.folder, value=0.25)
        found = metrics(served.url)
        labels = json.dumps({"finding": "inputs.words", "part": HOSTILE})
        assert found["flywheel_monitor_drift_effect"][labels] == 0.25
        assert len(found["flywheel_monitor_drift_effect"]) == 2
        assert "flywheel_forged" not in found
        age = found["flywheel_monitor_report_age_seconds"]["{}"]
        assert age >= AGE_SECONDS
        assert found["flywheel_monitor_readable"] == {"{}": 1}

        leave(live_place.folder, value=0.75)
        assert metrics(served.url)["flywheel_monitor_drift_effect"][labels] == 0.75

        file.write_text('{"at": "never"')
        damaged = metrics(served.url)
        assert damaged["flywheel_monitor_readable"] == {"{}": 0}
        assert "flywheel_monitor_drift_effect" not in damaged
        assert set(own) <= set(damaged)
