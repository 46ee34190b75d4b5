"""Nights on a real server: what is decided, shown and recorded, and how often is really trained."""

import subprocess
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.events.filters import EventFilter, EventNameFilter

from tasks.feedback import QUARANTINED
from tests.flows.last_run import FLYWHEEL, last_run
from tests.flows.nights import LEARN, Nights, make_nights, outcomes, stages_of
from tests.flows.services.place import wait_for
from tests.project import environment, run

REPOSITORY = Path(__file__).parents[2]
INTRUDER = """
from tests.flows.nights import FEEDBACK, add_partition
from flows.checkout.lock import LOCK_FILE, kernel_lock
from tasks.releases import LIVE
from tasks.retrain_policy.history import HISTORY
print("ready", flush=True)
is_decided = False
while not is_decided:
    with kernel_lock(LOCK_FILE).acquire(poll_interval=0.001):
        is_decided = (LIVE / HISTORY).exists()
        name = add_partition(FEEDBACK / "accepted", 5) if is_decided else ""
print(name)
"""  # brings a partition in as soon as the checkout is free after a decision
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server")]


@pytest.fixture
def nights(tmp_path: Path) -> Nights:
    return make_nights(tmp_path / "checkout")


def artifacts() -> dict[str, str]:
    """Pages of the last run by their keys."""
    flow_run, _ = last_run()
    chosen = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[flow_run.id]))
    with get_client(sync_client=True) as client:
        found = client.request(
            "POST", "/artifacts/filter", json={"artifacts": chosen.model_dump(mode="json")}
        ).json()
    return {one["key"]: str(one["data"]) for one in found}


def test_the_first_night_trains_and_one_with_nothing_new_runs_nothing(nights: Nights) -> None:
    said = nights.night()
    assert "train: 5 new corrections and changed data, params or code; asked by hand" in said
    flow_run, tasks = last_run()
    assert (flow_run.state_name, stages_of(tasks)) == ("Completed", {"learn": "Completed"})
    (training,) = nights.trainings()
    assert training.started.partitions == tuple(nights.partitions())
    assert training.ended
    assert (training.outcome, training.started.run) == ("finished", flow_run.name)
    assert f"kept as {flow_run.name}" in training.ended.message
    assert training.seconds > 0
    assert flow_run.name in run(nights.folder, ["dvc", "exp", "list"]).stdout

    assert "skip: nothing to do" in nights.night()
    flow_run, tasks = last_run()
    assert (flow_run.state_name, stages_of(tasks)) == ("Completed", {})
    assert flow_run.state
    assert "nothing to do" in (flow_run.state.message or "")
    page = artifacts()["retrain-decision"]
    assert "**Skip**" in page
    assert training.started.run in page.replace("\\", "")
    assert nights.num_trained == 1


def test_an_event_needs_fewer_corrections_and_the_page_says_who_asked(nights: Nights) -> None:
    nights.night()
    nights.add(29)
    assert "skip: 29 new corrections; 30 are wanted when drift" in nights.night("--event", "drift")
    nights.add(1)
    assert "skip: 30 new corrections; 100 are" in nights.night("--event", "labels")
    nights.night("--event", "drift", "--evidence", "abcdef")
    assert nights.num_trained == 2
    page = artifacts()["retrain-decision"]
    assert "| asked by | drift |" in page
    assert "| evidence of the event | abcdef |" in page
    assert "skip: nothing to do" in nights.night("--event", "drift")  # from the same monitor run


def test_params_that_changed_are_reason_enough_and_overrides_count(nights: Nights) -> None:
    nights.night()
    nights.set("shout", word="changed")
    nights.set("retrain_policy", cooldown_hours=1.0)
    assert "between two trainings are 1 h" in nights.night("--event", "volume")
    said = nights.night("--event", "volume", "--override", "retrain_policy.cooldown_hours=0")
    assert "train: changed data, params or code" in said
    assert nights.num_trained == 2


def test_what_was_trained_by_another_door_is_no_news(nights: Nights) -> None:
    run(nights.folder, FLYWHEEL)
    assert "skip: nothing to do" in nights.night()
    assert nights.num_trained == 1


def test_refused_data_block_until_they_change_and_a_person_is_told_once(nights: Nights) -> None:
    nights.set_command("echo the votes are odd; exit 1")
    assert "learn failed" in nights.night(code=1)
    assert outcomes(nights.trainings()) == ["stopped"]
    for _ in range(2):
        said = nights.night(code=1)
        assert "block: a stage refused the same data before (run " in said
        flow_run, tasks = last_run()
        assert flow_run.state
        assert (flow_run.state.type.value, flow_run.state_name) == ("FAILED", "Blocked")
        assert stages_of(tasks) == {}
    assert num_events("flywheel.blocked") == 1
    nights.add(1)
    assert "learn failed" in nights.night(code=1)
    nights.set_command(LEARN["cmd"])
    assert "train: " in nights.night()
    assert outcomes(nights.trainings()) == ["stopped", "stopped", "finished"]


def num_events(name: str) -> int:
    chosen = EventFilter(event=EventNameFilter(name=[name]))

    def found() -> int:
        with get_client(sync_client=True) as client:
            page = client.request(
                "POST", "/events/filter", json={"filter": chosen.model_dump(mode="json")}
            ).json()
        return int(page["total"])

    return wait_for(found)


def test_a_temporary_failure_is_tried_as_often_as_params_say(nights: Nights) -> None:
    nights.set_command("exit 75")
    nights.night(code=1)
    nights.night(code=1)
    assert "block: 2 trainings on the same evidence came to no end" in nights.night(code=1)
    assert outcomes(nights.trainings()) == ["failed", "failed"]


def test_a_flood_in_quarantine_blocks_and_force_trains_all_the_same(nights: Nights) -> None:
    nights.add(60, QUARANTINED)
    assert "block: 60 events are held in quarantine, 92%" in nights.night(code=1)
    assert nights.num_trained == 0
    assert "train: asked for, by force" in nights.night("--force")
    assert "train: asked for, by force" in nights.night("--force")
    assert nights.num_trained == 2
    assert "skip: nothing to do" in nights.night()


def test_what_is_trained_is_what_was_decided_on_whoever_waits_for_the_checkout(
    nights: Nights,
) -> None:
    intruder = subprocess.Popen(
        ["python", "-c", INTRUDER], cwd=nights.folder, text=True, stdout=subprocess.PIPE,
        env=environment() | {"PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
    assert intruder.stdout
    assert intruder.stdout.readline() == "ready\n"
    nights.night()
    name, _ = intruder.communicate(timeout=60)
    assert name.strip() in nights.partitions(), "it came in, after the training"
    (training,) = nights.trainings()
    assert len(training.started.partitions) == 1
    learnt = (nights.folder / "data/learn/out.txt").read_text()
    assert learnt.count('"sha256"') == 1
    assert "train: 5 new corrections; asked by hand" in nights.night()


def test_a_rewritten_partition_is_to_be_unlearnt(nights: Nights) -> None:
    """Somebody is to be forgotten: what is left of the partition has another name."""
    nights.night()
    for name in nights.partitions():
        for suffix in (".json", ".parquet"):
            (nights.accepted / f"{name}{suffix}").rename(nights.accepted / f"{name[:-1]}x{suffix}")
    assert "changed data, params or code; asked by volume" in nights.night("--event", "volume")
    assert nights.num_trained == 2
