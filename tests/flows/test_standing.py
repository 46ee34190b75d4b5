"""What the monitor found outlives the run that its event has started."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.standing import standing_events
from tasks.monitor.alerts import DRIFT, DROP, EMITTED, LABELS, Emitted, keep_emitted
from tasks.monitor.report import Alert
from tasks.releases import Change, Place, Pointer, Target, swap_pointer
from tests.flows.nights import Nights, make_nights
from tests.project import run

FOLDER = Path("live/monitor")
SCHEDULED = (
    "from prefect import tags; from flows.nightly_retrain import main\n"
    "with tags('auto-scheduled'): main([])"
)


def go_live(folder: Path, version: str, number: int = 1) -> None:
    change = Change(
        number=number, action="promote", at=datetime(2026, 11, 26, tzinfo=UTC), who="me",
        why="it is better", from_version=None, to_version=version,
    )  # fmt: skip
    target = Target(version=version, manifest_sha256="0" * 64)
    pointer = Pointer(live=target, previous=None, canary=None, shadow=None, change=change)
    swap_pointer(Place(folder / "live"), pointer)


def tell(folder: Path, *events: str) -> None:
    """As the monitor keeps what it has told of v1.0.0."""
    keep_emitted(folder / FOLDER, Emitted(standing={name: alert(name) for name in events}))


def alert(name: str) -> Alert:
    return Alert(
        event=name, evidence=f"{len(name):064x}", version="v1.0.0", findings=["words"],
        message="v1.0.0: words", figures={"words": 0.3},
    )  # fmt: skip


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_drift_and_loss_of_quality_stand_as_long_as_the_monitor_keeps_them(here: Path) -> None:
    assert standing_events() == {}
    tell(here, DRIFT, DROP, LABELS)
    assert standing_events() == {}  # of what is not live
    go_live(here, "v1.0.0")
    told = {"drift": alert(DRIFT).evidence, "quality": alert(DROP).evidence}
    assert standing_events() == told
    tell(here, DROP, LABELS)
    assert standing_events() == {"quality": told["quality"]}
    tell(here, LABELS)
    assert standing_events() == {}
    tell(here, DRIFT)
    go_live(here, "v1.1.0", 2)
    assert standing_events() == {}


def test_what_cannot_be_read_stands_for_nothing(here: Path) -> None:
    go_live(here, "v1.0.0")
    tell(here, DRIFT)
    (here / FOLDER / EMITTED).write_text('{"standing": ')
    assert standing_events() == {}
    (here / FOLDER / EMITTED).unlink()
    (here / FOLDER / EMITTED).mkdir()
    assert standing_events() == {}
    (here / FOLDER / EMITTED).rmdir()
    tell(here, DRIFT)
    (here / "live/pointer.json").write_text("{")
    assert standing_events() == {}


@pytest.fixture
def nights(tmp_path: Path) -> Nights:
    return make_nights(tmp_path / "checkout")


def scheduled(nights: Nights) -> str:
    return run(nights.folder, ["python", "-c", SCHEDULED]).stdout


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_the_schedule_takes_over_what_an_event_could_not_have(nights: Nights) -> None:
    nights.night()
    go_live(nights.folder, "v1.0.0")
    tell(nights.folder, DRIFT)
    nights.add(20)
    assert "skip: 20 new corrections; 30 are wanted" in nights.night("--event", "drift")
    nights.add(20)
    tell(nights.folder)
    assert "skip: 40 new corrections; 100 are wanted when schedule asks" in scheduled(nights)
    tell(nights.folder, DRIFT)
    said = scheduled(nights)
    assert "train: 40 new corrections; asked by schedule while drift stands" in said
    assert nights.num_trained == 2
    decided = [one for one in nights.entries() if one.what == "decided"]
    assert [one.asked_by for one in decided] == ["hand", "drift", "schedule", "schedule"]
    assert [one.event_evidence for one in decided[2:]] == ["", alert(DRIFT).evidence]
