"""What is left to do about a bundle, and how a run ends, read from files alone."""

import shutil
from pathlib import Path

import pytest
import yaml
from prefect import flow

from flows import release, released, tags
from flows.checkout.versions import SavedRun
from flows.released import bundle_sha256, is_due, release_lines
from flows.stage_graph import read_graph
from tasks.release import promotion
from tasks.release.adopt import Candidate, adopt
from tasks.release.rollback import roll_back
from tasks.releases import Release
from tests.flows.live_checkout import TEST, release_run
from tests.tasks.release import side
from tests.tasks.release.side import PLACE, make_live

pytestmark = pytest.mark.usefixtures("live_checkout")


def is_settled() -> bool:
    return released.is_settled(read_graph())


def put_bundle(name: str) -> None:
    """Where the graph would have made it."""
    shutil.copytree(Path("candidates") / name / "bundle", "models/package/bundle")


def release_and_put(
    packaged: Path, name: str, champion: Release | None = None, decision: str = "passed"
) -> Release:
    shutil.rmtree("models", ignore_errors=True)
    made = release_run(packaged, name, champion, decision)
    put_bundle(name)
    return made


def other_model(packaged: Path, name: str, champion: Release | None) -> Release:
    """The tiny bundle with networks of its own, which nobody runs here."""
    bundle = side.make_bundle(packaged, name)
    for network in ("model.onnx", "model.int8.onnx"):
        side.rewrite(bundle, network, name.encode())
    candidate = Candidate(bundle, side.write_verdict(bundle, champion), [], name, side.COMMIT)
    return adopt(PLACE, candidate, "minor", [], 5.0)


def test_without_a_bundle_or_a_declared_model_there_is_nothing_to_do(packaged: Path) -> None:
    assert (bundle_sha256(), is_settled(), release_lines()) == ("", True, [])
    side.make_bundle(packaged, "one")
    put_bundle("one")
    assert not is_settled()
    Path("dvc.yaml").write_text(yaml.safe_dump({"stages": {}}))
    assert (bundle_sha256(), is_settled(), release_lines()) == ("", True, [])


def test_a_bundle_is_settled_when_it_is_kept_tagged_and_was_live(packaged: Path) -> None:
    made = release_and_put(packaged, "one")
    assert not is_settled()
    tags.enter(made, "staging", print)
    assert is_due(made)
    assert not is_settled()
    assert release_lines()[-1] == "  live              nothing yet"
    make_live(made)
    assert not is_settled(), "git's tags do not say that it is live"
    tags.follow_live(print)
    assert is_settled()
    assert [line.split()[0] for line in release_lines()] == ["live", "start", "call", "go"]


def test_what_params_or_the_gate_hold_back_is_settled(packaged: Path, live_checkout: Path) -> None:
    first = release_and_put(packaged, "one")
    tags.enter(first, "staging", print)
    side.write_params(live_checkout, auto_promote=False)
    assert is_settled()
    side.write_params(live_checkout)
    make_live(first)
    tags.follow_live(print)
    second = release_and_put(packaged, "two", champion=first)
    tags.enter(second, "staging", print)
    side.write_params(live_checkout, auto_promote=False)
    assert is_settled()
    assert release_lines()[1].split() == ["make", "it", "live", "make", "promote", "VERSION=v1.1.0"]


def test_a_verdict_holds_until_it_would_be_asked_another_question(
    packaged: Path, live_checkout: Path
) -> None:
    first = release_and_put(packaged, "one")
    make_live(first)
    tags.follow_live(print)
    refused = release_and_put(packaged, "two", champion=first, decision="refused")
    tags.enter(refused, "staging", print)
    assert is_settled()
    assert release_lines()[1].split() == ["why", "live/releases/v1.1.0/verdict.json"]
    TEST.parent.mkdir(parents=True)
    TEST.write_text("other rows")
    assert not is_settled()
    TEST.unlink()
    assert is_settled()
    params = yaml.safe_load(Path("params.yaml").read_text())
    params["gate"]["floors"]["macro_f1"] = 0.1
    Path("params.yaml").write_text(yaml.safe_dump(params))
    assert not is_settled()
    side.write_params(live_checkout)
    third = release_run(packaged, "three", first)
    make_live(third)  # another champion
    tags.follow_live(print)
    assert not is_settled()


def test_a_lost_verdict_is_asked_for_again_and_stops_nobody(packaged: Path) -> None:
    release = release_and_put(packaged, "one")
    tags.enter(release, "staging", print)
    PLACE.verdict("v1.0.0").unlink()
    assert not is_settled()
    assert not is_due(release)
    assert release_lines()[1].split()[0] == "why"


def test_what_was_rolled_back_is_settled(packaged: Path) -> None:
    first = release_and_put(packaged, "one")
    make_live(first)
    second = release_and_put(packaged, "two", champion=first)
    tags.enter(second, "staging", print)
    assert not is_settled()
    make_live(second)
    roll_back(PLACE, None, ("bob", "odd"), 5)
    tags.follow_live(print)
    assert is_settled()


def test_what_did_not_prove_itself_live_is_tried_again(packaged: Path) -> None:
    first = release_and_put(packaged, "one")
    make_live(first)
    second = release_and_put(packaged, "two", champion=first)
    tags.enter(second, "staging", print)
    with promotion.begun(PLACE, side.params(), side.order(second.version), print) as proven:
        promotion.swap(proven)
        promotion.put_back(proven, "the service was restarting")
    assert is_due(second)
    assert not is_settled()


def test_what_was_rolled_back_is_settled_also_when_it_is_packaged_anew(packaged: Path) -> None:
    first = other_model(packaged, "one", None)
    make_live(first)
    make_live(release_run(packaged, "two", first))
    roll_back(PLACE, None, ("bob", "odd"), 5)
    again = release_run(packaged, "three", first)
    assert not is_due(again)
    assert is_due(other_model(packaged, "four", first))


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_data_turned_down_before_count_no_more_where_the_graph_is_up_to_date(
    packaged: Path,
) -> None:
    first = release_and_put(packaged, "one")
    make_live(first)
    tags.follow_live(print)
    refused = release_and_put(packaged, "two", champion=first, decision="refused")
    tags.enter(refused, "staging", print)
    assert is_settled()
    Path("data/validate-failed").mkdir(parents=True)
    Path("data/validate-failed/report.json").write_text("{}")
    assert not is_settled(), "the gate would say something else"
    nodes = read_graph()

    @flow
    def turn() -> str:
        return release.finish(nodes, nodes, SavedRun("kind-owl", "c" * 40, ()))

    assert turn().startswith("v1.1.0, judged before (refused)")
    assert not Path("data/validate-failed").exists()
    assert is_settled()


def test_a_clone_that_goes_away_releases_nothing(
    packaged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    side.make_bundle(packaged, "one")
    put_bundle("one")
    monkeypatch.setenv("FLYWHEEL_TEMPORARY_CLONE", "true")
    line = release.finish([], [], SavedRun("kind-owl", "c" * 40, ()))
    assert line.startswith("not judged here: this clone goes away")
    assert not PLACE.folder.exists()
