"""The flow on a real server: events that automations see once each, and the report on its page."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect.blocks.webhook import Webhook
from prefect.client.orchestration import get_client
from prefect.events import Event, Resource, emit_event
from prefect.events.actions import CallWebhook
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.monitor import monitor
from flows.services.events import send_events
from flows.services.temporary import free_port
from tasks.ingest_feedback.ingest import ingest
from tasks.ingest_feedback.params import IngestFeedbackParams
from tasks.monitor.alerts import DRIFT, DROP, LABELS, VOLUME, read_emitted
from tasks.params import load_params
from tasks.releases import LIVE
from tasks.retrain_policy import history
from tasks.retrain_policy.history import Ended, Started
from tests.flows.services.place import wait_for
from tests.flows.services.receivers import WebHook
from tests.flows.test_report import artifacts_of_last_run
from tests.project import REPOSITORY, run
from tests.tasks.monitor.live_side import HOUR, NOW, LiveSide, phrases

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server")]
EVENTS = {DRIFT, DROP, LABELS, VOLUME}
_PAYLOAD = (
    '{"subject": {{ event.event | tojson }}, "name": {{ event.resource.id | tojson }}, '
    '"message": {{ event.payload.message | tojson }}, '
    '"evidence": {{ event.payload.evidence | tojson }}}'
)


@pytest.fixture
def live_side(
    tmp_path: Path, packaged: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LiveSide]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    monkeypatch.setenv("FLYWHEEL_STORE", "sqlite:///live/store.db")
    made = LiveSide(tmp_path, packaged / "package/bundle", "sqlite:///live/store.db")
    try:
        yield made
    finally:
        made.engine.dispose()


@pytest.fixture
def hook() -> Iterator[WebHook]:
    """Told by an automation for every event of ours."""
    with WebHook() as receiver, get_client(sync_client=True) as client:
        block: Any = Webhook(url=f"http://127.0.0.1:{receiver.port}/told").save("hook", True)
        automation = AutomationCore(
            name="hook",
            trigger=EventTrigger(
                expect=EVENTS, posture=Posture.Reactive, threshold=1, within=timedelta(0)
            ),
            actions=[CallWebhook(block_document_id=block, payload=_PAYLOAD)],
        )
        made = client.create_automation(automation)
        yield receiver
        client.delete_automation(made)


def fill(live_side: LiveSide, is_away: bool) -> None:
    """Three windows that end now, for the flow reads the clock."""
    shift = (NOW - datetime.now(UTC)) / HOUR
    for seed, hours_ago in enumerate((70, 40, 10)):
        rows = live_side.ask(phrases(60, seed=seed, is_away=is_away), hours_ago + shift)
        live_side.correct(rows, share_right=0.3 if is_away else 0.9)


def told(hook: WebHook) -> dict[str, str]:
    """Evidence by event."""
    return {body["subject"]: body["evidence"] for _, body in hook.received}


def test_what_is_new_is_told_once_and_the_report_is_on_the_runs_page(
    live_side: LiveSide, hook: WebHook
) -> None:
    fill(live_side, is_away=True)
    state = monitor(return_state=True)
    assert state.is_completed(), state.message
    assert state.message
    assert state.message.endswith("; 3 told")
    wait_for(lambda: set(told(hook)) == EVENTS - {VOLUME}, explain=lambda: str(hook.received))
    assert told(hook) == {one.event: one.evidence for one in live_side.report().alerts}
    assert {body["name"] for _, body in hook.received} == {"flywheel.monitor"}

    artifacts = artifacts_of_last_run()
    assert "flywheel\\.drift\\.detected" in artifacts["monitor"].data
    assert str(live_side.folder.resolve() / "live/monitor/report.html") in artifacts["monitor"].data
    table = json.loads(artifacts["findings"].data)
    assert table[0]["fired"] == "yes"
    assert {row["part"] for row in table if row["fired"]} == {"all"}

    again = monitor(return_state=True)
    assert again.message
    assert "told" not in again.message
    live_side.ask(phrases(60, seed=9, is_away=True), (NOW - datetime.now(UTC)) / HOUR + 10)
    live_side.live_place.place.pointer.unlink()
    assert monitor(return_state=True).message == "nothing to watch yet"
    emit_event(VOLUME, {"prefect.resource.id": "last"}, payload={"message": "", "evidence": ""})
    wait_for(lambda: VOLUME in told(hook))
    assert len(hook.received) == 4, "an hour later nothing is repeated"


def test_labels_are_ready_by_what_was_learnt_whenever_it_came(
    live_side: LiveSide, hook: WebHook
) -> None:
    fill(live_side, is_away=False)
    params = load_params("ingest_feedback", IngestFeedbackParams)
    (partition,) = ingest(Path("data/feedback"), params)
    now = datetime.now(UTC)
    write_training(now, partition.name)
    assert monitor(return_state=True).is_completed()
    assert live_side.report().num_labels_waiting == 0
    earlier = (NOW - now) / HOUR + 20
    live_side.correct(live_side.ask(phrases(60, seed=7), earlier), share_right=0.9)
    ingest(Path("data/feedback"), params)  # received long before that training, which had none
    assert str(monitor(return_state=True).message).endswith("; 1 told")
    assert live_side.report().num_labels_waiting == 60
    wait_for(lambda: told(hook))
    assert set(told(hook)) == {LABELS}


def write_training(at: datetime, partition: str) -> None:
    """One that ended well and learnt from it."""
    file, run = LIVE / history.HISTORY, "run"
    started = Started(
        what="started", at=at, run_id=run, run=run, evidence_id="e", partitions=(partition,),
        expected_seconds=1.0, expected_dollars=0.0,
    )  # fmt: skip
    ended = Ended(
        what="ended", at=at, run_id=run, outcome="finished", seconds=1.0, dollars=0.0,
        version=None, message="",
    )  # fmt: skip
    for entry in (started, ended):
        history.append(file, entry)


def test_without_a_server_that_stays_nobody_is_told_and_the_next_look_does_it(
    live_side: LiveSide, hook: WebHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(live_side, is_away=True)
    with monkeypatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("PREFECT_")]:
            patch.delenv(name)
        said = run(Path(), ["python", "-m", "flows.monitor"]).stdout
    assert "; 3 not told: make up does not run, so nobody would act on it" in said
    assert read_emitted(Path("live/monitor")).standing == {}
    assert str(monitor(return_state=True).message).endswith("; 3 told")
    wait_for(lambda: set(told(hook)) == EVENTS - {VOLUME})
    assert read_emitted(Path("live/monitor")).standing.keys() == EVENTS - {VOLUME}


def test_a_server_that_does_not_take_an_event_is_no_reason_to_forget_it() -> None:
    event = Event(event=DRIFT, resource=Resource({"prefect.resource.id": "flywheel.monitor"}))
    assert send_events([event]) == ""
    assert send_events([]) == ""
    with temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{free_port()}/api"}):
        assert send_events([event]).startswith("Prefect's server did not take it (")


def test_what_goes_wrong_is_one_line_and_tells_nobody(live_side: LiveSide, hook: WebHook) -> None:
    fill(live_side, is_away=False)
    failed = monitor("nowhere.parquet", return_state=True)
    assert failed.is_failed()
    assert failed.message
    assert failed.message.startswith("monitor failed: nowhere.parquet: no Parquet file there")

    Path("live/monitor").mkdir(exist_ok=True)
    Path("live/monitor/emitted.json").write_text("{")
    failed = monitor(return_state=True)
    assert failed.is_failed()
    assert failed.message
    assert "Remove it: what stands is then told once more" in failed.message
    Path("live/monitor/emitted.json").unlink()
    assert monitor(return_state=True).message.endswith("; 1 told")  # labels wait
    wait_for(lambda: told(hook))
    assert set(told(hook)) == {LABELS}
