"""Git's tags follow what is live: after a kill anywhere, and whoever of two comes last."""

import multiprocessing
import os
from pathlib import Path

import gto.api
import pytest

from flows import tags
from flows.checkout import registry
from tasks.release.adopt import Candidate, adopt
from tasks.release.rollback import roll_back
from tasks.releases import Release
from tests.flows.live_checkout import release_run
from tests.flows.runs import git_here
from tests.tasks.release import side
from tests.tasks.release.side import PLACE, make_live

pytestmark = pytest.mark.usefixtures("live_checkout")

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def releases(packaged: Path) -> list[Release]:
    first = release_run(packaged, "kind-owl")
    return [first, release_run(packaged, "bold-fox", champion=first)]


def in_stage(stage: str) -> list[str]:
    found = gto.api.find_versions_in_stage(".", "classifier", stage, versions_per_stage=-1)
    return [one.version for one in found or []]


def test_a_kill_between_any_two_tags_is_made_good(releases: list[Release]) -> None:
    first, second = releases
    assert tags.make_true(first, print) == ""
    assert (in_stage("staging"), in_stage("prod")) == (["v1.0.0"], [])
    registry.register(second.version, second.commit)
    assert not tags.are_true(second), "it is a tag, and not in its stage"
    tags.make_true(second, print)
    assert in_stage("staging") == ["v1.1.0"]
    assert tags.are_true(first), "a later one is in the stage"
    make_live(second)
    assert not tags.are_true(second), "it is live, and git does not know"
    tags.make_true(second, print)
    assert (in_stage("prod"), tags.are_true(second)) == (["v1.1.0"], True)
    before = git_here("tag")
    tags.make_true(second, print)
    assert git_here("tag") == before


def test_what_follows_late_says_what_is_live_by_then(releases: list[Release]) -> None:
    """A promotion has swapped and probed; before it comes to its tags somebody rolls back."""
    for release in releases:
        registry.register(release.version, release.commit)
        make_live(release)
    roll_back(PLACE, None, ("bob", "odd"), 5)
    tags.follow_live(print)  # the rollback's
    tags.follow_live(print)  # the promotion's
    assert in_stage("prod") == ["v1.0.0"]


def follow(folder: str) -> None:
    os.chdir(folder)
    raise SystemExit(int(tags.follow_live(print) != ""))


@pytest.mark.slow
def test_several_may_follow_at_once(releases: list[Release], live_checkout: Path) -> None:
    make_live(releases[0])
    processes = [SPAWN.Process(target=follow, args=(str(live_checkout),)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert in_stage("prod") == ["v1.0.0"]


def test_what_cannot_be_tagged_is_live_all_the_same_and_is_said(releases: list[Release]) -> None:
    registry.register("v1.0.0", releases[1].commit)  # as another clone may have done
    make_live(releases[0])
    said: list[str] = []
    line = tags.follow_live(said.append)
    assert line.startswith("; git's tags do not say so yet: tag classifier@v1.0.0 is on commit")
    assert line.endswith(said[0])


@pytest.mark.parametrize("graph", ["<<<<<<< HEAD\na: 1\n=======\n", None])
def test_what_is_live_by_a_graph_that_is_broken_is_said_in_one_line(
    releases: list[Release], graph: str | None
) -> None:
    """A rollback in the midst of a merge: the swap is done, and only the tags have to wait."""
    make_live(releases[0])
    Path("dvc.yaml").unlink() if graph is None else Path("dvc.yaml").write_text(graph)
    line = tags.follow_live(print)
    assert line.startswith("; git's tags do not say so yet: dvc.yaml: not readable: ")
    assert "\n" not in line
    git_here("checkout", "dvc.yaml")
    assert tags.make_true(releases[0], print) == ""
    assert in_stage("prod") == ["v1.0.0"]


def test_a_run_whose_commit_is_in_another_clone_is_said_in_one_line(packaged: Path) -> None:
    bundle = side.make_bundle(packaged, "far-owl")
    verdict = side.write_verdict(bundle, None)
    made = adopt(PLACE, Candidate(bundle, verdict, [], "far-owl", side.COMMIT), "minor", [], 5.0)
    make_live(made)
    line = tags.follow_live(print)
    assert line.startswith("; git's tags do not say so yet: git tags of the release: unknown Git")
    assert side.COMMIT in line


def test_a_graph_without_a_model_has_no_tags(releases: list[Release]) -> None:
    make_live(releases[0])
    Path("dvc.yaml").write_text("stages: {}\n")
    assert tags.follow_live(print) == ""
