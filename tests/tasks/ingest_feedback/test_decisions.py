"""What a person has decided holds, whatever older state data/feedback is put back to."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tasks.feedback import ACCEPTED, QUARANTINED, list_partitions
from tasks.ingest_feedback.ingest import ingest
from tasks.partitions.decide import decide, list_held, make_decision
from tasks.partitions.decisions import Verdict
from tasks.partitions.place import DECIDED, locked
from tasks.partitions.publish import settle
from tests.tasks.feedback_store import (
    TARGET,
    contents,
    ids_in,
    make_event,
    read_params,
    send,
    write_params,
)

NOW = datetime(2026, 3, 2, tzinfo=UTC)
HOLD = {"min_history_events": 5, "min_events": 5, "max_rater_share": 0.5}
FOLDERS = {"accepted": ACCEPTED, "rejected": QUARANTINED}
VERDICTS = pytest.mark.parametrize("verdict", ["accepted", "rejected"])


@pytest.fixture(autouse=True)
def _three_states(store: Engine, tmp_path: Path) -> None:
    """Kept as `first`: ten were accepted; as `second`: ten more wait for a person."""
    write_params(tmp_path, hold=HOLD)
    send(store, [make_event(number) for number in range(10)])
    ingest(TARGET, read_params())
    keep("first")
    flood = {"client": "k9", "rater": "r_x"}
    send(store, [make_event(number, **flood) for number in range(10, 20)])
    ingest(TARGET, read_params())
    keep("second")


def keep(name: str) -> None:
    """As DVC does: what a run has had in the two folders."""
    for folder in (ACCEPTED, QUARANTINED):
        shutil.copytree(TARGET / folder, Path(name, folder))


def restore(name: str) -> None:
    for folder in (ACCEPTED, QUARANTINED):
        shutil.rmtree(TARGET / folder)
        shutil.copytree(Path(name, folder), TARGET / folder)


def judge(verdict: Verdict, at: datetime = NOW) -> None:
    with locked(TARGET, 10):
        settle(TARGET)
        decide(TARGET, list_held(TARGET), make_decision(verdict, "ann", "looked at it", at))


def verdicts() -> list[str | None]:
    return [one.decision and one.decision.verdict for one in list_held(TARGET)]


@VERDICTS
@pytest.mark.parametrize("state", ["first", "second"])
def test_an_older_state_of_the_folders_changes_no_decision_and_asks_nobody(
    state: str, verdict: Verdict, tmp_path: Path
) -> None:
    judge(verdict)
    decided = contents()
    restore(state)
    assert None not in verdicts()
    for _ in range(2):
        write_params(tmp_path, hold=HOLD | {"min_history_events": 10**6})  # would accept anything
        assert ingest(TARGET, read_params()) == []
        assert contents() == decided
    assert (
        len(list_partitions(TARGET / FOLDERS[verdict])) == {"accepted": 2, "rejected": 1}[verdict]
    )


def test_the_newest_decision_counts_also_when_the_clock_was_put_back() -> None:
    judge("rejected")
    keep("third")
    judge("accepted", NOW - timedelta(days=1))
    assert not list_held(TARGET)
    for state in ("first", "second", "third"):
        restore(state)
        assert ingest(TARGET, read_params()) == []
        assert len(list_partitions(TARGET / ACCEPTED)) == 2
        assert len(ids_in()) == len(set(ids_in())) == 20
    assert [*(TARGET / QUARANTINED).iterdir()] == []


@VERDICTS
def test_a_decision_of_another_clone_is_learnt_from_what_lies_beside_the_partition(
    verdict: Verdict,
) -> None:
    judge(verdict)
    decided = contents()
    shutil.rmtree(TARGET / DECIDED)
    ingest(TARGET, read_params())
    assert contents() == decided
    restore("first")
    ingest(TARGET, read_params())
    assert contents() == decided


def test_a_decision_on_half_of_what_waits_leaves_the_rest_waiting(store: Engine) -> None:
    send(store, [make_event(number, client="k9", rater="r_x") for number in range(20, 30)])
    ingest(TARGET, read_params())
    with locked(TARGET, 10):
        decide(TARGET, list_held(TARGET)[:1], make_decision("rejected", "ann", "a robot", NOW))
    assert sorted(map(str, verdicts())) == ["None", "rejected"]


def test_what_another_clone_has_cut_otherwise_is_not_learnt_from_twice(
    store: Engine, tmp_path: Path
) -> None:
    judge("accepted")
    cut_otherwise(tmp_path)
    ingest(TARGET, read_params())
    assert len(ids_in()) == len(set(ids_in())) == 20
    assert len(list_partitions(TARGET / ACCEPTED)) == 2


def test_what_was_accepted_otherwise_cut_and_then_rejected_waits_for_a_person_once(
    store: Engine, tmp_path: Path
) -> None:
    judge("rejected")
    cut_otherwise(tmp_path)
    assert ingest(TARGET, read_params()) == []
    assert list_partitions(TARGET / ACCEPTED) == []
    waiting = [one for one in list_held(TARGET) if one.decision is None]
    reasons = {str(one.partition.manifest.held_because)[:33] for one in waiting}
    assert (len(waiting), reasons) == (2, {"some of its events were rejected "})
    with locked(TARGET, 10):
        decide(TARGET, waiting, make_decision("accepted", "ann", "looked again", NOW))
    for _ in range(2):
        assert ingest(TARGET, read_params()) == []
        assert len(list_partitions(TARGET / ACCEPTED)) == 2
        assert verdicts() == ["rejected"]


def cut_otherwise(folder: Path) -> None:
    """As in a clone that knows no decision, and holds nothing: 15 events and 5."""
    for name in (ACCEPTED, QUARANTINED):
        shutil.rmtree(TARGET / name)
    (TARGET / DECIDED).rename("decided")
    write_params(folder, max_partition_rows=15)
    ingest(TARGET, read_params())
    assert len(list_partitions(TARGET / ACCEPTED)) == 2
    Path("decided").rename(TARGET / DECIDED)
