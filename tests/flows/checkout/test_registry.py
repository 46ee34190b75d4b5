"""Releases as git tags: on the run's commit, one version in a stage, whatever is repeated."""

import time
from pathlib import Path

import dvc.api
import gto.api
import pytest
import yaml

from flows.checkout import registry
from flows.checkout.versions import SavedRun, save_run
from tasks.errors import InputError
from tests.flows.runs import git_here, users_side
from tests.project import run

pytest_plugins = ["tests.flows.run_fixtures"]
ARTIFACTS = {"classifier": {"path": "models/evaluate/model.txt", "type": "model"}}


@pytest.fixture
def runs(checkout: Path) -> list[SavedRun]:
    """Two kept runs of a checkout whose graph declares a model."""
    graph = yaml.safe_load(Path("dvc.yaml").read_text())
    Path("dvc.yaml").write_text(yaml.safe_dump(graph | {"artifacts": ARTIFACTS}))
    run(checkout, ["git", "commit", "-qam", "a model"])
    return [save_run("kind-owl", "first"), save_run("bold-fox", "second")]


def holders(stage: str) -> list[str]:
    found = gto.api.find_versions_in_stage(".", "classifier", stage, versions_per_stage=-1)
    return [one.version for one in found or []]


def test_a_version_is_a_tag_on_the_runs_commit_and_the_users_side_stays(
    runs: list[SavedRun],
) -> None:
    before = users_side()
    assert registry.artifact() == ("classifier", Path("models/evaluate/model.txt"))
    for _ in range(2):  # a kill may come between the tag and whatever notes it
        registry.register("v1.0.0", runs[0].commit)
    registry.register("v1.1.0", runs[1].commit)
    versions = {"v1.0.0": runs[0].commit, "v1.1.0": runs[1].commit}
    assert registry.registered_versions() == versions
    assert git_here("rev-parse", "classifier@v1.0.0^{commit}").strip() == runs[0].commit
    after = users_side()
    tags = str(after.pop("branches")).replace(str(before.pop("branches")), "")
    assert after == before
    assert {line.split()[2] for line in tags.splitlines()} == {
        "refs/tags/classifier@v1.0.0", "refs/tags/classifier@v1.1.0",
    }  # fmt: skip


def test_a_version_that_another_clone_gave_away_is_not_moved(runs: list[SavedRun]) -> None:
    registry.register("v1.0.0", runs[0].commit)
    with pytest.raises(InputError, match=r"classifier@v1\.0\.0 is on commit .* another clone"):
        registry.register("v1.0.0", runs[1].commit)


def test_one_version_holds_a_stage_for_gto_and_dvc_also_after_a_rollback(
    runs: list[SavedRun],
) -> None:
    for version, saved in zip(("v1.0.0", "v1.1.0"), runs, strict=True):
        registry.register(version, saved.commit)
        registry.assign(version, "staging")
    assert holders("staging") == ["v1.1.0"]
    for version, saved in [("v1.0.0", runs[0]), ("v1.1.0", runs[1]), ("v1.0.0", runs[0])]:
        registry.assign(version, "prod")
        tags = git_here("tag")
        registry.assign(version, "prod")
        assert git_here("tag") == tags
        assert holders("prod") == [version]
        assert dvc.api.artifacts_show("classifier", stage="prod")["rev"] == saved.commit


def test_a_kill_between_leaving_and_entering_a_stage_is_made_good(runs: list[SavedRun]) -> None:
    for version, saved in zip(("v1.0.0", "v1.1.0"), runs, strict=True):
        registry.register(version, saved.commit)
        registry.assign(version, "prod")
    gto.api.unassign(".", "classifier", version="v1.1.0", stage="prod", author="a")
    registry.assign("v1.0.0", "prod")
    assert holders("prod") == ["v1.0.0"]
    assert dvc.api.artifacts_show("classifier", stage="prod")["rev"] == runs[0].commit


def test_a_version_leaves_a_stage_and_may_come_back(runs: list[SavedRun]) -> None:
    registry.register("v1.0.0", runs[0].commit)
    registry.unassign("v1.0.0", "shadow")  # where it never was
    assert (git_here("tag"), registry.stage_commit("shadow")) == ("classifier@v1.0.0\n", "")
    for _ in range(2):
        registry.assign("v1.0.0", "shadow")
        assert registry.stage_commit("shadow") == runs[0].commit
        registry.unassign("v1.0.0", "shadow")
        assert (holders("shadow"), registry.stage_commit("shadow")) == ([], "")


def test_a_tag_of_the_future_is_an_error_and_nobody_waits_for_it(
    runs: list[SavedRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    for version, saved in zip(("v1.0.0", "v1.1.0"), runs, strict=True):
        registry.register(version, saved.commit)
    tomorrow = f"{time.time() + 86_400:.0f} +0000"
    for key, value in (("NAME", "ann"), ("EMAIL", "ann@localhost"), ("DATE", tomorrow)):
        monkeypatch.setenv(f"GIT_COMMITTER_{key}", value)
    git_here("tag", "-a", "-m", "x", "classifier#prod#1", "classifier@v1.0.0^{commit}")
    started = time.monotonic()
    with pytest.raises(InputError, match=r"made 86,\d+ s from now by this machine's clock"):
        registry.assign("v1.1.0", "prod")
    assert time.monotonic() - started < 5
    assert holders("prod") == ["v1.0.0"]


@pytest.mark.parametrize(
    ("known", "tagger"), [("AUTHOR", "flywheel <flywheel@localhost>"), ("COMMITTER", "ci <ci@x>")]
)
def test_a_tag_has_gits_committer_or_a_neutral_name(
    runs: list[SavedRun], monkeypatch: pytest.MonkeyPatch, known: str, tagger: str
) -> None:
    for role in ("AUTHOR", "COMMITTER"):
        for key in ("NAME", "EMAIL"):
            monkeypatch.delenv(f"GIT_{role}_{key}", raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv(f"GIT_{known}_NAME", "ci")
    monkeypatch.setenv(f"GIT_{known}_EMAIL", "ci@x")
    registry.register("v1.0.0", runs[0].commit)
    registry.assign("v1.0.0", "prod")
    lines = git_here("for-each-ref", "--format=%(taggername) %(taggeremail)", "refs/tags")
    assert lines.splitlines() == [tagger, tagger]


@pytest.mark.parametrize(
    "graph", ["[a]", "artifacts: [a]", "artifacts: {a: model}", "artifacts: {a: {type: model}}",
              "a: b: c", "\0"],
)  # fmt: skip
def test_a_graph_that_is_none_is_an_error_in_one_line(checkout: Path, graph: str) -> None:
    Path("dvc.yaml").write_text(graph)
    for ask in (registry.has_artifact, registry.artifact):
        with pytest.raises(InputError, match=r"^dvc\.yaml: .*not readable.*restore it\.$"):
            ask()


def test_a_graph_with_no_model_or_two_is_an_error(checkout: Path) -> None:
    for kinds, number in (((), 0), (("dataset",), 0), (("model", "model"), 2)):
        artifacts = {f"a{n}": {"path": "x", "type": kind} for n, kind in enumerate(kinds)}
        Path("dvc.yaml").write_text(yaml.safe_dump({"stages": {}, "artifacts": artifacts}))
        assert registry.has_artifact() == bool(number)
        with pytest.raises(InputError, match=f"{number} artifacts of type model, expected one"):
            registry.artifact()
