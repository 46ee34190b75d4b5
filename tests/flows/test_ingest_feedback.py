"""Feedback from a real store to DVC under a real server: taken in, held, released, brought back."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from flows.checkout.lock import checkout_lock
from flows.ingest_feedback import ingest_feedback
from flows.release_feedback import release_feedback
from tasks.feedback import ACCEPTED, QUARANTINED, list_partitions
from tests.chain import diamond
from tests.flows.feedback_checkout import make_feedback_checkout
from tests.flows.last_run import last_run, states
from tests.flows.runs import git_here
from tests.flows.test_report import artifacts_of_last_run
from tests.project import REPOSITORY, run, try_run
from tests.tasks.feedback_store import TARGET, ids_in, make_event, open_feedback, send

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server", "checkout")]
BOT = {"client": "k9", "rater": "r_bot"}
HOLD = {"min_history_events": 5, "min_events": 5, "max_rater_share": 0.5}


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A committed checkout whose params name a store that is not there yet."""
    make_feedback_checkout(tmp_path, diamond(), HOLD)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    return tmp_path


@pytest.fixture
def store(checkout: Path) -> Iterator[Engine]:
    with open_feedback() as engine:
        yield engine


def ingest() -> str:
    state = ingest_feedback(return_state=True)
    assert state.is_completed(), state.message
    return str(state.message)


def is_true(checkout: Path) -> bool:
    """Whether DVC finds everything as the .dvc files say."""
    said = run(checkout, ["dvc", "status", "data/feedback/accepted.dvc",
                          "data/feedback/quarantined.dvc"])  # fmt: skip
    return "up to date" in said.stdout


def test_without_a_store_there_is_nothing_to_ingest(checkout: Path) -> None:
    assert ingest() == "nothing is new in data/feedback/accepted"
    assert not TARGET.exists()
    assert git_here("status", "--porcelain") == ""


def test_what_came_in_is_dvcs_and_can_be_brought_back(checkout: Path, store: Engine) -> None:
    send(store, [make_event(number) for number in range(20)])
    assert ingest() == "20 events are new in data/feedback/accepted"
    assert states(last_run()[1]) == {"ingest": "Completed"}
    assert "| 20 |" in artifacts_of_last_run()["feedback"].data
    assert is_true(checkout)
    untracked = git_here("status", "--porcelain", "--untracked-files=all").split()
    assert untracked == ["??", "data/feedback/accepted.dvc", "??", "data/feedback/quarantined.dvc"]
    before = ids_in()
    shutil.rmtree(TARGET / ACCEPTED)
    run(checkout, ["dvc", "checkout", "data/feedback/accepted.dvc"])
    assert ids_in() == before
    assert ingest() == "nothing is new in data/feedback/accepted"
    assert is_true(checkout)


def test_a_flood_is_held_until_a_person_accepts_it(checkout: Path, store: Engine) -> None:
    send(store, [make_event(number) for number in range(20)])
    ingest()
    send(store, [make_event(number, **BOT) for number in range(20, 40)])
    assert ingest().startswith("nothing is new in data/feedback/accepted; 20 held")
    page = artifacts_of_last_run()["feedback"].data
    assert "100% come from one rater" in page.replace("\\%", "%")
    assert "bot" not in page  # the server keeps it for ever
    (held,) = list_partitions(TARGET / QUARANTINED)
    assert is_true(checkout)
    refused = release_feedback("fine", partitions=["part-0"], return_state=True)
    assert refused.is_failed()
    assert f"not in quarantine. There are: {held.name}" in str(refused.message)
    rejected = release_feedback("a robot", "rejected", who="ann", return_state=True)
    assert rejected.message == "20 events in 1 partitions rejected: a robot"
    assert len(list_partitions(TARGET / ACCEPTED)) == 1
    assert ingest() == "nothing is new in data/feedback/accepted"
    accepted = release_feedback("no robot after all", partitions=[held.name], return_state=True)
    assert accepted.is_completed(), accepted.message
    assert len(list_partitions(TARGET / ACCEPTED)) == 2
    assert len(set(ids_in())) == len(ids_in()) == 40
    assert is_true(checkout)


def test_the_doors_of_the_command_line_do_the_same(checkout: Path, store: Engine) -> None:
    for first, changes in ((0, {}), (10, BOT)):
        send(store, [make_event(number, **changes) for number in range(first, first + 10)])
        done = try_run(checkout, ["python", "-m", "flows.ingest_feedback"])
        assert done.returncode == 0, done.stdout
    door = ["python", "-m", "flows.release_feedback"]
    listed = try_run(checkout, door)
    assert "10 events  waits  (100% come from one rater" in listed.stdout, listed.stdout
    assert "100% by k9:r_bot" in listed.stdout
    done = try_run(checkout, [*door, "--why", "known; `touch x`", "--reject"])
    assert "10 events in 1 partitions rejected: known; `touch x`" in done.stdout, done.stdout
    assert "rejected by" in try_run(checkout, door).stdout
    assert not Path("x").exists()
    missing = try_run(checkout, [*door, "part-0", "--why", "typo"])
    assert missing.returncode == 1
    assert "not in quarantine" in missing.stdout


def test_behind_a_long_training_it_is_cancelled_and_the_next_takes_all(
    checkout: Path, store: Engine
) -> None:
    send(store, [make_event(number) for number in range(20)])
    params = checkout / "params.yaml"
    params.write_text(re.sub("wait_minutes: [0-9.]+", "wait_minutes: 0", params.read_text()))
    with checkout_lock("flow run long-training", 0, print):
        state = ingest_feedback(return_state=True)
        by_hand = try_run(checkout, ["python", "-m", "flows.ingest_feedback"])
    assert state.is_cancelled()
    assert "in use by flow run long-training" in str(state.message)
    assert "Nothing is lost" in by_hand.stdout
    assert by_hand.returncode == 1
    assert ingest() == "20 events are new in data/feedback/accepted"


def test_a_damaged_store_fails_in_one_line(checkout: Path) -> None:
    Path("live").mkdir()
    Path("live/store.db").write_bytes(b"no database" * 1000)
    state = ingest_feedback(return_state=True)
    assert state.is_failed()
    assert "damaged" in str(state.message)
    assert str(state.message).count("\n") == 0
