"""Tags of releases in two clones with one remote: no number twice, no quarrel without end."""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from flows.checkout import registry
from flows.checkout.remote_tags import fetch_tags, push_tags
from flows.checkout.versions import save_run
from tasks.errors import TemporaryError
from tests.flows.runs import add_remotes, git_here
from tests.flows.runs import enter as enter_checkout
from tests.project import run

pytest_plugins = ["tests.flows.run_fixtures"]
ARTIFACTS = {"classifier": {"path": "models/evaluate/model.txt", "type": "model"}}


@pytest.fixture
def clones(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Two checkouts of one repository, the working directory in the first."""
    graph = yaml.safe_load(Path("dvc.yaml").read_text())
    Path("dvc.yaml").write_text(yaml.safe_dump(graph | {"artifacts": ARTIFACTS}))
    run(checkout, ["git", "commit", "-qam", "a model"])
    add_remotes(checkout)
    other = checkout.parent / "other"
    run(checkout.parent, ["git", "clone", "-q", str(checkout.parent / "git"), str(other)])
    enter_checkout(checkout, monkeypatch)
    return checkout, other


@contextlib.contextmanager
def inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def release(version: str) -> str:
    commit = save_run(f"run-of-{version}", "all good").commit
    registry.register(version, commit)
    registry.assign(version, "prod")
    return commit


def tags_there(folder: Path) -> list[str]:
    lines = run(folder, ["git", "ls-remote", "--tags", "--refs", "origin"]).stdout.splitlines()
    return [line.split("\t")[1].removeprefix("refs/tags/") for line in lines]


def test_tags_of_the_model_go_there_and_no_others(clones: tuple[Path, Path]) -> None:
    run(clones[0], ["git", "tag", "mine"])
    release("v1.0.0")
    push_tags(print)
    assert tags_there(clones[0]) == ["classifier#prod#1", "classifier@v1.0.0"]


def test_what_another_clone_released_is_known_before_a_number_is_given(
    clones: tuple[Path, Path],
) -> None:
    theirs = release("v1.0.0")
    push_tags(print)
    with inside(clones[1]):
        assert registry.registered_versions() == {}
        fetch_tags(print)
        assert registry.registered_versions() == {"v1.0.0": theirs}
        time.sleep(1)
        release("v1.1.0")
        push_tags(print)
    assert {"classifier#prod#1", "classifier@v1.0.0", "classifier@v1.1.0"} < set(
        tags_there(clones[0])
    )


def test_a_number_given_twice_is_said_in_a_line_and_later_tags_still_go_there(
    clones: tuple[Path, Path],
) -> None:
    ours = release("v1.0.0")
    push_tags(print)
    said: list[str] = []
    with inside(clones[1]):
        Path("notes.md").write_text("other")
        run(clones[1], ["git", "commit", "-qam", "other"])
        release("v1.0.0")
        registry.register("v1.1.0", save_run("later", "all good").commit)
        started = time.monotonic()
        push_tags(said.append)
        assert time.monotonic() - started < 30, "it has not tried again and again"
    assert len(said) == 1
    assert "classifier#prod#1, classifier@v1.0.0 there is of another clone" in said[0]
    assert "classifier@v1.1.0" in tags_there(clones[0])
    there = run(clones[0], ["git", "ls-remote", "origin", "refs/tags/classifier@v1.0.0^{}"]).stdout
    assert there.split()[0] == ours


def test_without_a_remote_nothing_is_asked_and_one_that_is_away_costs_a_line(
    clones: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    release("v1.0.0")
    run(clones[0], ["git", "remote", "set-url", "origin", str(clones[0] / "nowhere")])
    said: list[str] = []
    fetch_tags(said.append)
    assert len(said) == 1
    assert said[0].startswith("remote origin: its releases are not known here: git ls-remote")
    monkeypatch.setattr("flows.checkout.versions.time.sleep", lambda seconds: None)
    with pytest.raises(TemporaryError, match="to push it by hand: git push origin refs/tags/"):
        push_tags(said.append)
    run(clones[0], ["dvc", "config", "--unset", "exp.git_remote"])
    before = git_here("tag")
    fetch_tags(said.append)
    push_tags(said.append)
    assert git_here("tag") == before
