"""Evidence from a checkout: what is new, what has changed, and what is unfinished."""

from pathlib import Path

import pytest
import yaml

from flows.stage_graph import graph_sha256
from tests.feedback_partitions import make_event, write_partition
from tests.flows.learning_checkout import ACCEPTED, LEARN, found
from tests.flows.nights import FEEDBACK, add_partition
from tests.tasks.release import side


@pytest.mark.usefixtures("learning_checkout")
def test_the_same_word_of_the_same_person_is_one_correction_however_often_it_came() -> None:
    for first in (0, 50):
        events = [make_event(first + i, "good", "no", rater="r_1") for i in range(50)]
        write_partition(FEEDBACK, events)
    evidence = found().evidence
    assert (evidence.num_new, evidence.num_new_events) == (3 + 1, 3 + 100)


@pytest.mark.usefixtures("learning_checkout")
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


@pytest.mark.usefixtures("learning_checkout")
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


@pytest.mark.usefixtures("learning_checkout")
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
