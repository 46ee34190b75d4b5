"""The end of a run: judged, kept, tagged, live by itself or refused; made good after a kill."""

import json
import re
import shutil
import time
from pathlib import Path

import pytest
import yaml

from tasks.release.adopt import read_verdict
from tasks.release.known import list_releases
from tasks.releases import Place, read_history, read_pointer, read_release
from tests.flows.last_run import FLYWHEEL, last_run, states
from tests.flows.test_report import artifacts_of_last_run
from tests.project import make_project, run, try_run, write_params

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server")]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole graph on a tiny project, by `dvc repro`: nobody has judged its bundle yet."""
    folder = make_project(tmp_path_factory.mktemp("release") / "project", num_rows=240)
    write_params(folder, max_epochs=8)  # it finds every class, as the gate wants it
    run(folder, ["git", "commit", "-qam", "learn more"])
    run(folder, ["dvc", "repro", "-q"])
    return folder


@pytest.fixture
def project(finished: Path, tmp_path: Path) -> Path:
    return shutil.copytree(finished, tmp_path / "project", symlinks=True)


def place_of(project: Path) -> Place:
    return Place(project / "live")


def live(project: Path) -> str | None:
    pointer = read_pointer(place_of(project))
    return pointer.live.version if pointer.live else None


def set_param(project: Path, section: str, **values: object) -> None:
    file = project / "params.yaml"
    tree = yaml.safe_load(file.read_text("utf-8"))
    tree[section] |= values
    file.write_text(yaml.safe_dump(tree, allow_unicode=True), "utf-8")


def message() -> str:
    state = last_run()[0].state
    return (state and state.message) or ""


def test_a_first_candidate_is_judged_kept_tagged_and_live_and_the_run_says_how_to_call_it(
    project: Path,
) -> None:
    done = run(project, FLYWHEEL)
    assert "v1.0.0 is live (it passed the gate)" in message()
    expected = {"gate": "Completed", "swap": "Completed", "probe": "Completed"}
    assert expected.items() <= states(last_run()[1]).items()
    release = read_release(place_of(project), "v1.0.0")
    assert (release.decision, live(project)) == ("passed", "v1.0.0")
    kept = run(project, ["git", "rev-parse", "classifier@v1.0.0^{commit}"]).stdout.strip()
    assert release.commit == kept
    assert release.run in run(project, ["git", "for-each-ref", f"--contains={kept}"]).stdout
    tags = run(project, ["git", "tag"]).stdout.split()
    assert tags == ["classifier#prod#2", "classifier#staging#1", "classifier@v1.0.0"]
    found = artifacts_of_last_run()
    assert {"gate-verdict", "release-card"} <= set(found)
    assert "Candidate passed" in found["gate-verdict"].data
    assert (place_of(project).release("v1.0.0") / "card/model_card.md").is_file()
    assert "make serve" in done.stdout
    assert re.search(r"curl -s http://127\.0\.0\.1:\d+/v1/predict", done.stdout)


def test_a_second_run_has_nothing_to_do_about_it(project: Path) -> None:
    run(project, FLYWHEEL)
    run(project, [*FLYWHEEL, "--force", "--only", "package"])
    assert message().endswith("v1.0.0, judged before, is live")
    assert len(list_releases(place_of(project))) == 1


def test_a_candidate_that_is_refused_waits_and_the_run_completes(project: Path) -> None:
    run(project, FLYWHEEL)
    done = run(project, [*FLYWHEEL, "--override", "package.num_golden=20"])
    assert last_run()[0].state_name == "Completed"
    assert "v1.1.0 refused by the gate: " in message()
    assert "uncommitted" not in message(), "overridden params lie in the bundle"
    assert "v1.0.0 stays live" in message()
    assert live(project) == "v1.0.0"
    assert read_release(place_of(project), "v1.1.0").champion == "v1.0.0"
    assert "classifier@v1.1.0" in run(project, ["git", "tag"]).stdout
    assert "v1.0.0" in done.stdout.splitlines()[-4]
    command = ["python", "-m", "flows.promote", "v1.1.0", "--why", "seen by eye"]  # a person may
    assert try_run(project, command).returncode == 1
    run(project, [*command, "--despite-verdict"])
    assert live(project) == "v1.1.0"


def test_a_refused_candidate_is_judged_again_when_the_bounds_are_others(project: Path) -> None:
    set_param(project, "gate", floors={"macro_f1": 1.0, "weighted_f1": 0.0})
    run(project, FLYWHEEL)
    assert "v1.0.0 refused by the gate: Macro F1 on the test split is" in message()
    run(project, FLYWHEEL)  # nothing to ask anew
    assert len(list_releases(place_of(project))) == 1
    set_param(project, "gate", floors={"macro_f1": 0.0, "weighted_f1": 0.0})
    run(project, FLYWHEEL)
    assert "v1.1.0 is live (it passed the gate)" in message()
    first, second = list_releases(place_of(project))
    assert first.manifest_sha256 == second.manifest_sha256
    assert (first.decision, second.decision, live(project)) == ("refused", "passed", "v1.1.0")
    run(project, FLYWHEEL)
    assert message().endswith("v1.1.0, judged before, is live")


def test_with_auto_promote_off_it_waits_in_staging(project: Path) -> None:
    set_param(project, "release", auto_promote=False)
    done = run(project, FLYWHEEL)
    assert "v1.0.0 passed the gate and waits in staging; nothing is live" in message()
    assert live(project) is None
    assert "make promote VERSION=v1.0.0" in done.stdout
    set_param(project, "release", auto_promote=True)
    run(project, FLYWHEEL)
    assert live(project) == "v1.0.0"


def test_what_was_rolled_back_does_not_come_back_by_itself(project: Path) -> None:
    run(project, FLYWHEEL)
    run(project, [*FLYWHEEL, "--override", "package.num_golden=20"])
    promote = ["python", "-m", "flows.promote", "v1.1.0", "--why", "x", "--despite-verdict"]
    run(project, promote)
    run(project, ["python", "-m", "flows.rollback_now", "--why", "odd"])
    run(project, FLYWHEEL)
    assert live(project) == "v1.0.0"
    assert [change.action for change in read_history(place_of(project))][-1] == "roll back"


@pytest.mark.parametrize("step", ["adopted", "tagged"])
def test_a_kill_after_any_step_is_made_good_by_the_next_run(project: Path, step: str) -> None:
    set_param(project, "release", auto_promote=False)
    run(project, FLYWHEEL)
    if step == "adopted":
        run(project, ["git", "tag", "-d", *run(project, ["git", "tag"]).stdout.split()])
    set_param(project, "release", auto_promote=True)
    run(project, FLYWHEEL)
    assert live(project) == "v1.0.0"
    assert "classifier@v1.0.0" in run(project, ["git", "tag"]).stdout
    assert len(list_releases(place_of(project))) == 1


def test_a_stage_that_stopped_is_not_judged_nor_is_a_bundle_left_behind(project: Path) -> None:
    raw = project / "data/raw/tickets.csv"
    content = raw.read_bytes()
    raw.write_bytes(b"".join(content.splitlines(keepends=True)[:60]))
    assert try_run(project, FLYWHEEL).returncode == 1
    assert (project / "data/validate-failed").is_dir()
    raw.write_bytes(content)
    run(project, [*FLYWHEEL, "--only", "split", "--override", 'split.salt="2"'])
    assert "not judged: the packaged model is not up to date" in message()
    assert list_releases(place_of(project)) == []
    run(project, FLYWHEEL)  # what was turned down lies there no more
    assert live(project) == "v1.0.0"


def test_a_champion_whose_papers_are_lost_is_still_the_one_that_is_replaced(project: Path) -> None:
    run(project, FLYWHEEL)
    champion, release = read_pointer(place_of(project)).live, place_of(project).release("v1.0.0")
    assert champion
    (release / "bundle/manifest.json").unlink()
    (release / "release.json").unlink()
    run(project, [*FLYWHEEL, "--override", "package.num_golden=20"])
    verdict = read_verdict(place_of(project).verdict("v1.1.0"))
    assert (verdict.decision, verdict.champion) == ("passed", champion.manifest_sha256)
    assert live(project) == "v1.1.0"


def test_a_gate_that_cannot_work_fails_the_run_which_is_kept(project: Path) -> None:
    set_param(project, "gate", min_rows=-1)
    assert try_run(project, FLYWHEEL).returncode == 1
    assert "the gate could not judge: " in message()
    assert "gate.min_rows = -1" in message()
    assert "kept as " in message()
    assert "not judged" in last_run()[0].tags


def test_resting_takes_no_server_and_about_two_seconds(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(project, FLYWHEEL)
    monkeypatch.delenv("PREFECT_API_URL")
    started = time.monotonic()
    done = run(project, FLYWHEEL)
    assert time.monotonic() - started < 60
    assert "Nothing to do" in done.stdout
    assert re.search(r"^  live +v1\.0\.0$", done.stdout, re.MULTILINE)
    assert json.loads((project / "live/pointer.json").read_text())["change"]["number"] == 1
