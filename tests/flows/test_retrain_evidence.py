"""Evidence from a checkout: what the newest judged candidate learnt from, and what has changed."""

from pathlib import Path

import pytest
import yaml

from flows.checkout.versions import save_run
from flows.retrain_evidence import Found, gather
from flows.stage_graph import graph_sha256
from tasks.release.adopt import Candidate, adopt
from tasks.retrain_policy.history import Training
from tests.feedback_partitions import make_event, write_partition
from tests.flows.live_checkout import ARTIFACTS, STAGES, question
from tests.flows.nights import FEEDBACK, add_partition
from tests.project import run
from tests.tasks.release import side
from tests.tasks.retrain_policy.cases import training

ACCEPTED = FEEDBACK / "accepted"
LEARN = {
    "cmd": "mkdir -p data/learn && ls data/feedback/accepted > data/learn/out.txt",
    "deps": ["data/feedback", "code.txt"],
    "outs": ["data/learn/out.txt"],
}


@pytest.fixture
def checkout(live_checkout: Path) -> Path:
    """A checkout that releases, with a stage that reads corrections; brought up to date."""
    outs = {name: stage["outs"][0] for name, stage in STAGES.items()}
    made = {
        name: {"cmd": f"mkdir -p {Path(out).parent} && echo x > {out}", "outs": [out]}
        for name, out in outs.items()
    }
    graph = {"stages": {**made, "learn": LEARN}, "artifacts": ARTIFACTS}
    ignored = Path(".gitignore").read_text().replace("/data/", "/data/?*\n!/data/feedback")
    Path(".gitignore").write_text(ignored)
    Path("dvc.yaml").write_text(yaml.safe_dump(graph))
    Path("code.txt").write_text("one\n")
    Path("notes.txt").write_text("nobody reads this\n")
    add_partition(ACCEPTED, 3)
    bring_in()
    return live_checkout


def bring_in() -> None:
    """As the action does: DVC has the partitions, and the graph is brought up to date."""
    run(Path(), ["dvc", "add", "-q", str(ACCEPTED)])
    run(Path(), ["dvc", "repro", "-q"])


def release(packaged: Path, name: str) -> None:
    bundle = side.make_bundle(packaged, name)
    saved = save_run(name, f"{name}: all good")
    verdict = side.write_verdict(bundle, None, "refused", question())
    adopt(side.PLACE, Candidate(bundle, verdict, [], name, saved.commit), "minor", [], 5.0)


def found(*history: Training) -> Found:
    return gather("schedule", False, history)


@pytest.mark.usefixtures("checkout")
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


@pytest.mark.usefixtures("checkout")
def test_the_same_word_of_the_same_person_is_one_correction_however_often_it_came() -> None:
    for first in (0, 50):
        events = [make_event(first + i, "good", "no", rater="r_1") for i in range(50)]
        write_partition(FEEDBACK, events)
    evidence = found().evidence
    assert (evidence.num_new, evidence.num_new_events) == (3 + 1, 3 + 100)


@pytest.mark.usefixtures("checkout")
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


@pytest.mark.usefixtures("checkout")
def test_the_evidence_changes_with_corrections_code_and_params_alone() -> None:
    before = found().evidence
    Path("notes.txt").write_text("changed\n")
    assert found().evidence == before
    Path("code.txt").write_text("two\n")
    coded = found().evidence
    assert coded.has_changed_inputs
    add_partition(ACCEPTED, 4)
    corrected = found().evidence
    ids = {before.evidence_id, coded.evidence_id, corrected.evidence_id}
    assert len(ids) == 3
    Path("code.txt").unlink()
    assert found().evidence.evidence_id not in ids  # a missing file is evidence, too


@pytest.mark.usefixtures("checkout")
def test_the_graph_is_its_commands_params_and_sources() -> None:
    def now() -> str:
        return graph_sha256(FEEDBACK)

    before = now()
    add_partition(ACCEPTED, 1)
    Path("data/learn/out.txt").write_text("what a stage made is no origin\n")
    assert now() == before
    text = Path("dvc.yaml").read_text()
    tree = yaml.safe_load(text)
    tree["stages"]["learn"]["cmd"] += "; true"
    Path("dvc.yaml").write_text(yaml.safe_dump(tree))
    assert now() != before
    tree["stages"]["learn"] = {**LEARN, "params": ["release.bump"]}
    Path("dvc.yaml").write_text(yaml.safe_dump(tree))
    with_param = now()
    assert with_param != before
    params = Path("params.yaml")
    params.write_text(params.read_text().replace("bump: minor", "bump: patch"))
    assert now() not in (with_param, before)


@pytest.mark.usefixtures("checkout")
def test_a_bundle_that_was_not_judged_to_the_end_is_to_be_finished(
    packaged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not found().is_unfinished  # there is none
    bundle = side.make_bundle(packaged, "made")
    Path("models/package").mkdir(parents=True)
    bundle.rename("models/package/bundle")
    assert found().is_unfinished
    monkeypatch.setenv("FLYWHEEL_TEMPORARY_CLONE", "true")
    assert not found().is_unfinished
