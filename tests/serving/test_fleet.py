"""Following the pointer: what is loaded, what is refused, and what goes on answering."""

import datetime
import shutil
import threading
from collections.abc import Sequence

import pytest

from serving.fleet import Fleet, Lineup, is_in_share
from serving.params import ServingParams
from tasks.artifacts import json_bytes, sha256_of
from tasks.bundle import MANIFEST, Manifest, read_document, record_files
from tasks.params import load_params
from tasks.releases import Target, read_pointer, swap_pointer
from tests.serving.conftest import Bundles
from tests.serving.live_place import LivePlace, wait_for


@pytest.fixture
def fleet(live_place: LivePlace) -> Fleet:
    params = load_params("serving", ServingParams, live_place.folder / "params.yaml")
    return Fleet(live_place.place, params.model)


def versions(lineup: Lineup) -> list[str | None]:
    return [model.target.version if model else None for model in lineup]


def test_it_follows_the_pointer_and_loads_nothing_twice(
    live_place: LivePlace, bundles: Bundles, fleet: Fleet
) -> None:
    assert fleet.refresh() is None
    assert fleet.choose(["a"]) == (None, "live")
    first = live_place.release("v1.0.0", bundles.first)
    second = live_place.release("v1.1.0", bundles.second)
    live_place.point(first, shadow=second)
    assert fleet.refresh() is None
    assert versions(fleet.lineup) == ["v1.0.0", None, "v1.1.0"]
    shadow, as_it_was = fleet.lineup.shadow, fleet.lineup.live
    live_place.point(second)
    fleet.refresh()
    assert fleet.lineup.live is shadow
    before = fleet.lineup
    live_place.point(first)  # back: still in memory
    fleet.refresh()
    assert fleet.lineup.live is as_it_was
    assert versions(fleet.lineup) == ["v1.0.0", None, None]
    assert before.live is second_of(before), "a lineup never changes, it is replaced"


def second_of(lineup: Lineup) -> object:
    assert versions(lineup)[0] == "v1.1.0"
    return lineup.live


@pytest.mark.parametrize("damage", ["manifest", "model", "missing"])
def test_what_does_not_load_is_not_served(
    live_place: LivePlace, bundles: Bundles, fleet: Fleet, damage: str
) -> None:
    first = live_place.release("v1.0.0", bundles.first)
    second = live_place.release("v1.1.0", bundles.second)
    live_place.point(first)
    fleet.refresh()
    bundle = live_place.place.bundle("v1.1.0")
    name = {"manifest": "manifest.json", "model": "model.onnx", "missing": "tokenizer.json"}[damage]
    if damage == "missing":
        (bundle / name).unlink()
    else:
        with (bundle / name).open("ab") as stream:
            stream.write(b" ")
    live_place.point(second)
    problem = fleet.refresh()
    assert problem
    assert "v1.1.0" in problem
    assert "\n" not in problem
    assert fleet.problem == problem
    assert versions(fleet.lineup) == ["v1.0.0", None, None]
    live_place.point(first)
    assert fleet.refresh() is None
    assert fleet.problem is None


@pytest.mark.parametrize("name", ["model.onnx", "model.int8.onnx", "tokenizer.json"])
def test_what_the_runtime_refuses_is_a_problem_not_the_end_of_watching(
    live_place: LivePlace, bundles: Bundles, fleet: Fleet, name: str
) -> None:
    """Its hashes are right, so that only the runtime or the tokenizer can tell."""
    live_place.point(live_place.release("v1.0.0", bundles.first))
    fleet.refresh()
    garbage = live_place.place.bundle("v1.1.0")
    garbage.parent.mkdir()
    shutil.copytree(bundles.second, garbage)
    (garbage / name).write_bytes(b"garbage")
    manifest = read_document(garbage / MANIFEST, Manifest)
    precision = "fp32" if name == "model.onnx" else "int8"
    whole = manifest.model_copy(update={"files": record_files(garbage), "default": precision})
    (garbage / MANIFEST).write_bytes(json_bytes(whole.model_dump(mode="json")))
    watching = threading.Thread(target=fleet.watch, daemon=True)
    watching.start()
    live_place.point(Target(version="v1.1.0", manifest_sha256=sha256_of(garbage / MANIFEST)))
    wait_for(lambda: fleet.problem is not None)
    assert "v1.1.0 is not served" in str(fleet.problem)
    assert "\n" not in str(fleet.problem)
    assert versions(fleet.lineup) == ["v1.0.0", None, None]
    live_place.point(live_place.release("v1.2.0", bundles.second))
    wait_for(lambda: versions(fleet.lineup)[0] == "v1.2.0")
    assert fleet.problem is None
    fleet.close()
    watching.join(5)


def test_a_damaged_canary_takes_nothing_from_what_is_live(
    live_place: LivePlace, bundles: Bundles, fleet: Fleet
) -> None:
    live_place.point(live_place.release("v1.0.0", bundles.first))
    canary = live_place.release("v1.2.0", bundles.first)
    (live_place.place.bundle("v1.2.0") / "model.onnx").unlink()
    live_place.point(live_place.release("v1.1.0", bundles.second), canary=canary)
    assert "v1.2.0 is not served" in str(fleet.refresh())
    assert versions(fleet.lineup) == ["v1.1.0", None, None]


def test_what_failed_for_a_while_is_tried_again(
    live_place: LivePlace, bundles: Bundles, fleet: Fleet
) -> None:
    live_place.point(live_place.release("v1.0.0", bundles.first))
    tokenizer = live_place.place.bundle("v1.0.0") / "tokenizer.json"
    away = tokenizer.rename(live_place.folder / "away")
    watching = threading.Thread(target=fleet.watch, daemon=True)
    watching.start()
    wait_for(lambda: fleet.problem is not None)
    away.rename(tokenizer)
    wait_for(lambda: versions(fleet.lineup)[0] == "v1.0.0")
    fleet.close()


def test_at_the_start_a_broken_release_gives_way_to_the_one_before(
    live_place: LivePlace, bundles: Bundles, fleet: Fleet
) -> None:
    live_place.point(live_place.release("v1.0.0", bundles.first))
    live_place.point(live_place.release("v1.1.0", bundles.second))
    (live_place.place.bundle("v1.1.0") / "model.onnx").unlink()
    assert "v1.1.0" in str(fleet.refresh())
    assert versions(fleet.lineup) == ["v1.0.0", None, None]
    assert "v1.1.0" in str(fleet.problem), "and says so"


def test_a_pointer_that_is_none_changes_nothing(
    live_place: LivePlace, bundles: Bundles, fleet: Fleet
) -> None:
    live_place.point(live_place.release("v1.0.0", bundles.first))
    fleet.refresh()
    live_place.place.pointer.write_text('{"live": {"version": "../../etc", "manifest_sha256": ""}}')
    assert "pointer.json" in str(fleet.refresh())
    assert versions(fleet.lineup) == ["v1.0.0", None, None]
    live_place.place.pointer.unlink()
    assert "pointer.json is missing" in str(fleet.refresh())
    assert versions(fleet.lineup) == ["v1.0.0", None, None]


def test_a_release_of_another_name_on_the_same_bundle_is_another(
    live_place: LivePlace, bundles: Bundles, fleet: Fleet
) -> None:
    target = live_place.release("v1.0.0", bundles.first)
    live_place.point(Target(version="v1.1.0", manifest_sha256=target.manifest_sha256))
    assert "v1.1.0" in str(fleet.refresh())
    assert fleet.lineup.live is None


def test_a_canary_that_nobody_ended_ends_by_itself(live_place: LivePlace, bundles: Bundles) -> None:
    first = live_place.release("v1.0.0", bundles.first)
    canary = live_place.release("v1.1.0", bundles.second)
    live_place.write_params(model__canary_share=1.0)
    params = load_params("serving", ServingParams, live_place.folder / "params.yaml")
    fleet = Fleet(live_place.place, params.model)
    for minutes, role in ((5, "canary"), (-5, "live")):
        live_place.point(first, canary=canary)
        until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=minutes)
        pointer = read_pointer(live_place.place).model_copy(update={"until": until})
        swap_pointer(live_place.place, pointer)
        fleet.refresh()
        assert fleet.choose(["a"])[1] == role


def shares(texts: Sequence[str], share: float) -> float:
    return sum(is_in_share([text], share) for text in texts) / len(texts)


def test_the_canarys_share_is_stable_by_text_and_grows_into_itself() -> None:
    texts = [f"text {number}" for number in range(20_000)]
    assert abs(shares(texts, 0.1) - 0.1) < 0.01
    assert (shares(texts, 0.0), shares(texts, 1.0)) == (0.0, 1.0)
    small = {text for text in texts if is_in_share([text], 0.1)}
    assert small <= {text for text in texts if is_in_share([text], 0.2)}
