"""Promotion and rollback as flows on a real server: steps, transaction, tags, and who is told."""

import re
import subprocess
import sys
import time
from pathlib import Path

import gto.api
import psutil
import pytest
from prefect.client.orchestration import get_client
from prefect.events.filters import EventFilter, EventNameFilter

from flows import going_live
from flows.promote import promote
from flows.rollback import rollback
from tasks import live_service
from tasks.releases import read_history, read_pointer
from tests.flows.last_run import last_run, states
from tests.flows.live_checkout import release_run
from tests.flows.runs import git_here
from tests.project import try_run
from tests.serving.live_place import wait_for
from tests.tasks.release import side
from tests.tasks.release.side import PLACE, make_live, running_service

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server", "live_checkout")]


def live() -> str | None:
    pointer = read_pointer(PLACE)
    return pointer.live.version if pointer.live else None


def in_stage(stage: str) -> list[str]:
    return [one.version for one in gto.api.find_versions_in_stage(".", "classifier", stage) or []]


def told(subject: str, message: str) -> bool:
    """Whether the server has an event of ours with this in its message; events take a moment."""
    chosen = EventFilter(event=EventNameFilter(name=[f"flywheel.{subject}"]))
    deadline = time.monotonic() + 150
    while time.monotonic() < deadline:
        with get_client(sync_client=True) as client:
            body = {"filter": chosen.model_dump(mode="json"), "limit": 50}
            found = client.request("POST", "/events/filter", json=body).json()["events"]
        if any(message in event["payload"]["message"] for event in found):
            return True
        time.sleep(0.2)
    return False


def test_a_promotion_shows_its_steps_sets_the_stage_and_is_told(packaged: Path) -> None:
    release = release_run(packaged, "kind-owl")
    branch = git_here("rev-parse", "main")
    state = promote(release.version, "it is the first", "ann", return_state=True)
    assert state.is_completed(), state.message
    assert (state.message or "").startswith("v1.0.0 is live (it is the first); no service runs")
    assert live() == "v1.0.0"
    assert states(last_run()[1]) == {"swap": "Completed", "probe": "Completed"}
    assert in_stage("prod") == ["v1.0.0"]
    assert git_here("rev-parse", "classifier@v1.0.0^{commit}").strip() == release.commit
    assert git_here("rev-parse", "main") == branch
    assert told("promotion", "v1.0.0 is live (it is the first)")
    (change,) = read_history(PLACE)
    assert (change.who, change.why) == ("ann", "it is the first")


def test_a_refused_candidate_does_not_go_live_and_the_run_says_why(packaged: Path) -> None:
    release_run(packaged, "kind-owl", decision="refused")
    state = promote("v1.0.0", return_state=True)
    assert state.is_failed()
    assert "verdict is refused: gains too little" in (state.message or "")
    assert live() is None
    state = promote("v1.0.0", "I looked at it", despite_verdict=True, return_state=True)
    assert state.is_completed(), state.message
    assert read_history(PLACE)[0].who.startswith("flow run ")


def test_a_probe_that_fails_rolls_the_transaction_back(
    packaged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = release_run(packaged, "kind-owl")
    second = release_run(packaged, "bold-fox", champion=first)
    make_live(first)
    before = read_pointer(PLACE)
    with running_service() as service:
        swap = going_live.promotion.swap

        def swap_and_harm(ready: going_live.Promotion) -> object:
            """The disk loses a byte of the bundle just before the service loads it."""
            model = PLACE.bundle(second.version) / "model.int8.onnx"
            model.chmod(0o600)
            model.write_bytes(model.read_bytes()[:-1])
            return swap(ready)

        monkeypatch.setattr(going_live.promotion, "swap", swap_and_harm)
        state = promote(second.version, return_state=True)
        assert state.is_failed()
        for words in ("v1.1.0 did not prove itself live", "has another content", "v1.0.0 is live"):
            assert words in (state.message or "")
        after = read_pointer(PLACE)
        assert (after.live, after.previous) == (before.live, before.previous)
        assert states(last_run()[1]) == {"swap": "RolledBack", "probe": "Failed"}
        assert service.pid
    *_, back = read_history(PLACE)
    assert (back.action, back.to_version) == ("put back", "v1.0.0")
    assert "has another content" in back.why
    assert git_here("tag") == ""


def test_one_that_is_cancelled_while_it_probes_leaves_live_what_was(
    packaged: Path, live_checkout: Path
) -> None:
    first = release_run(packaged, "kind-owl")
    second = release_run(packaged, "bold-fox", champion=first)
    make_live(first)
    with running_service() as service:
        (worker,) = psutil.Process(service.pid).children()
        worker.suspend()  # so that the probe waits
        command = [sys.executable, "-m", "flows.promote", second.version]
        flow = subprocess.Popen(command, cwd=live_checkout)
        wait_for(lambda: live() == "v1.1.0", 150)
        flow.terminate()  # as a worker does
        assert flow.wait(150) != 0
        assert live() == "v1.0.0"
        worker.resume()
        assert live_service.read_model(service, 10).version == "v1.0.0"
    assert read_history(PLACE)[-1].to_version == "v1.0.0"
    assert git_here("tag") == ""


def test_a_shadow_that_is_refused_leaves_its_stage(packaged: Path) -> None:
    side.write_params(
        Path(), rehearsal={"kind": "shadow", "seconds": 1.0, "poll_seconds": 0.1}
    )  # fmt: skip
    first = release_run(packaged, "kind-owl")
    release_run(packaged, "bold-fox", champion=first)
    make_live(first)
    with running_service():
        state = promote("v1.1.0", return_state=True)
    assert state.is_failed()
    assert "shadow: 0 requests in 1 s" in (state.message or "")
    assert live() == "v1.0.0"
    assert git_here("tag", "--list", "classifier#shadow*").split() == [
        "classifier#shadow!#2", "classifier#shadow#1",
    ]  # fmt: skip
    assert in_stage("shadow") == []


def test_a_rollback_is_one_click_and_moves_the_stage_back(packaged: Path) -> None:
    first = release_run(packaged, "kind-owl")
    second = release_run(packaged, "bold-fox", champion=first)
    for release in (first, second):
        assert promote(release.version, return_state=True).is_completed()
    assert in_stage("prod") == ["v1.1.0"]
    with running_service() as service:
        state = rollback("odd answers", who="bob", return_state=True)
        assert state.is_completed(), state.message
        assert f"rolled back from v1.1.0 to v1.0.0 (odd answers); {service.url} answers" in (
            state.message or ""
        )
    assert (live(), in_stage("prod")) == ("v1.0.0", ["v1.0.0"])
    assert read_history(PLACE)[-1].who == "bob"
    assert told("promotion", "rolled back from v1.1.0 to v1.0.0")
    state = rollback("again", return_state=True)
    assert state.is_failed()
    assert "nothing was before it" in (state.message or "")


def test_a_rollback_in_the_midst_of_a_merge_ends_well_and_is_told(packaged: Path) -> None:
    first = release_run(packaged, "kind-owl")
    for release in (first, release_run(packaged, "bold-fox", champion=first)):
        make_live(release)
    Path("dvc.yaml").write_text("<<<<<<< HEAD\na: 1\n=======\n")
    state = rollback("merging", return_state=True)
    assert state.is_completed(), state.message
    assert live() == "v1.0.0"
    assert "; git's tags do not say so yet: dvc.yaml: not readable" in (state.message or "")
    assert told("promotion", "rolled back from v1.1.0 to v1.0.0 (merging)")


def test_the_doors_of_the_command_line_do_the_same(packaged: Path, live_checkout: Path) -> None:
    first = release_run(packaged, "kind-owl")
    release_run(packaged, "bold-fox", champion=first)
    for version in ("v1.0.0", "v1.1.0"):
        done = try_run(live_checkout, ["python", "-m", "flows.promote", version])
        assert done.returncode == 0, done.stdout
        assert f"{version} is live" in done.stdout.splitlines()[-1]
    done = try_run(live_checkout, ["python", "-m", "flows.rollback_now", "--why", "odd; `touch x`"])
    assert done.returncode == 0, done.stdout
    assert re.match(r"v1\.1\.0 -> v1\.0\.0 in \d+\.\d\d s", done.stdout)
    assert in_stage("prod") == ["v1.0.0"]
    failed = try_run(live_checkout, ["python", "-m", "flows.promote", "v9.0.0"])
    assert failed.returncode == 1
    assert "Releases that are there: v1.0.0, v1.1.0" in failed.stdout
