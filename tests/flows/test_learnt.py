"""What the newest judged candidate learnt from, whoever made it and whatever the clock was."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tasks.partitions.decide import decide, list_held, make_decision
from tasks.release.known import list_releases
from tasks.releases import RECORD
from tasks.retrain_policy.history import Training
from tests.flows.learning_checkout import ACCEPTED, bring_in, found, release
from tests.flows.nights import FEEDBACK, add_partition
from tests.project import run
from tests.tasks.release import side
from tests.tasks.retrain_policy.cases import training


@pytest.mark.usefixtures("learning_checkout")
def test_what_a_released_run_learnt_from_is_no_news_whoever_started_it(packaged: Path) -> None:
    assert found().evidence.num_new == 0  # nothing is stale
    release(packaged, "by-hand")
    add_partition(ACCEPTED, 4)
    evidence = found().evidence
    assert (evidence.num_new, evidence.has_changed_inputs) == (4, False)
    run(Path(), ["dvc", "add", "-q", str(ACCEPTED)])
    assert found().evidence == evidence
    older = training(1000)
    assert found(older).evidence.num_new == 4
    bring_in()
    release(packaged, "another")
    add_partition(ACCEPTED, 2)
    assert found(older).evidence.num_new == 2


def put_forward(version: str) -> None:
    """It was judged while the clock was days ahead."""
    file = side.PLACE.release(version) / RECORD
    file.chmod(0o600)
    ahead = {"judged_at": (datetime.now(UTC) + timedelta(days=7)).isoformat()}
    file.write_text(json.dumps(json.loads(file.read_text()) | ahead))


@pytest.mark.usefixtures("learning_checkout")
def test_the_newest_release_is_that_of_the_highest_number_whatever_the_clock_was(
    packaged: Path,
) -> None:
    release(packaged, "by-hand")
    put_forward("v1.0.0")
    add_partition(ACCEPTED, 4)
    bring_in()
    release(packaged, "another")
    add_partition(ACCEPTED, 2)
    assert found().evidence.num_new == 2
    whole = tuple(file.stem for file in ACCEPTED.glob("part-*.json"))
    assert found(ended(whole, "v1.0.0")).evidence.num_new == 2
    assert found(ended(whole, "v1.1.0")).evidence.num_new == 0  # judged before: no new release
    put_forward("v1.1.0")
    assert found(ended(whole, "v1.1.0")).evidence.num_new == 0


def ended(partitions: tuple[str, ...], version: str) -> Training:
    """One that learnt from these, and became that release."""
    done = training(1000)
    assert done.ended
    return Training(
        done.started.model_copy(update={"partitions": partitions}),
        done.ended.model_copy(update={"version": version}),
    )


@pytest.mark.usefixtures("learning_checkout")
def test_what_somebody_accepted_is_no_other_input_once_it_is_learnt(packaged: Path) -> None:
    add_partition(FEEDBACK / "quarantined", 6)
    decision = make_decision("accepted", "ann", "a campaign of ours", datetime.now(UTC))
    decide(FEEDBACK, list_held(FEEDBACK), decision)
    assert list(ACCEPTED.glob("decision-*.json"))
    bring_in()
    release(packaged, "by-hand")
    add_partition(ACCEPTED, 4)
    evidence = found().evidence
    assert (evidence.num_new, evidence.has_changed_inputs) == (4, False)


@pytest.mark.usefixtures("learning_checkout")
def test_a_release_of_no_run_learnt_nothing_that_anybody_knows(packaged: Path) -> None:
    release(packaged, "by-hand")
    (commit,) = {one.commit for one in list_releases(side.PLACE)}
    record = side.PLACE.release("v1.0.0") / RECORD
    record.chmod(0o600)
    record.write_text(record.read_text().replace(commit, ""))
    run(Path(), ["git", "add", f"{ACCEPTED}.dvc"])  # git's index is no commit
    add_partition(ACCEPTED, 4)
    assert found().evidence.num_new == 7


@pytest.mark.usefixtures("learning_checkout")
def test_without_its_commit_the_own_record_counts(packaged: Path) -> None:
    release(packaged, "by-hand")
    (name,) = (file.stem for file in ACCEPTED.glob("*.json"))
    add_partition(ACCEPTED, 4)
    done = training(1000)
    done = done._replace(started=done.started.model_copy(update={"partitions": (name,)}))
    for ref in run(
        Path(), ["git", "for-each-ref", "--format=%(refname)", "refs/exps"]
    ).stdout.split():
        run(Path(), ["git", "update-ref", "-d", ref])
    run(Path(), ["git", "reflog", "expire", "--expire=now", "--all"])
    run(Path(), ["git", "gc", "-q", "--prune=now"])
    assert found(done).evidence.num_new == 4
    assert found().evidence.num_new == 7
