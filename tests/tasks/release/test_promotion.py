"""A promotion under a real service: what it proves, and what a failure of each step leaves."""

import itertools
import json
import threading
import time
from pathlib import Path

import pytest

from tasks import live_service
from tasks.errors import GateError, InputError, TemporaryError
from tasks.release import promotion
from tasks.release.change import changing, promoting
from tasks.release.promotion import promote
from tasks.release.rollback import roll_back
from tasks.releases import NOTHING, read_history, read_pointer
from tests.tasks.release import side
from tests.tasks.release.side import PLACE, make_live, make_release, order, params, running_service

BY = ("bob", "odd answers")


def live() -> str | None:
    pointer = read_pointer(PLACE)
    return pointer.live.version if pointer.live else None


def test_the_first_deployment_needs_neither_champion_nor_service(packaged: Path) -> None:
    release = make_release(packaged, "first")
    said: list[str] = []
    line = promote(PLACE, params(), order(release.version), said.append)
    assert "v1.0.0 is live; no service runs, so none was asked" in line
    assert "golden answers right" in said[0]
    pointer = read_pointer(PLACE)
    assert (pointer.live, pointer.previous) == (release.target, None)
    (change,) = read_history(PLACE)
    assert (change.action, change.who, change.why) == ("promote", "ann", "it is better")
    assert (change.from_version, change.to_version) == (None, "v1.0.0")


def test_what_is_live_already_stays_without_another_change(packaged: Path) -> None:
    make_live(make_release(packaged, "first"))
    assert "v1.0.0 is live already" in promote(PLACE, params(), order("v1.0.0"), print)
    assert len(read_history(PLACE)) == 1


@pytest.mark.parametrize("decision", ["refused", "undecided"])
def test_what_the_gate_did_not_pass_needs_a_person_and_a_reason(
    packaged: Path, decision: str
) -> None:
    make_release(packaged, "first", decision=decision)
    with pytest.raises(GateError, match=f"verdict is {decision}: gains too little"):
        promote(PLACE, params(), order("v1.0.0"), print)
    with pytest.raises(InputError, match="needs a why"):
        promote(PLACE, params(), order("v1.0.0", why="", despite_verdict=True), print)
    assert read_pointer(PLACE) == NOTHING
    promote(PLACE, params(), order("v1.0.0", despite_verdict=True), print)
    assert live() == "v1.0.0"


@pytest.mark.slow
def test_a_running_service_is_asked_and_answers_with_the_new_version(packaged: Path) -> None:
    first = make_release(packaged, "first")
    second = make_release(packaged, "second", champion=first)
    make_live(first)
    with running_service() as service:
        assert live_service.read_model(service, 5).version == "v1.0.0"
        line = promote(PLACE, params(), order(second.version), print)
        assert f"{service.url} answers as v1.1.0: 8 golden texts" in line
        assert live_service.predict(service, ["it was good"], 5)[0].model_version == "v1.1.0"
        started = time.monotonic()
        roll_back(PLACE, None, BY, 5)
        while live_service.read_model(service, 5).version != "v1.0.0":
            time.sleep(0.01)
        assert time.monotonic() - started < 15  # swap, and a look at the pointer within 0.2 s


@pytest.mark.slow
def test_a_service_that_does_not_take_it_brings_the_old_pointer_back(
    packaged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its disk shows other bytes than those that were proven: here they change after the proof."""
    first = make_release(packaged, "first")
    second = make_release(packaged, "second", champion=first)
    make_live(first)
    with (
        running_service() as service,
        promotion.begun(PLACE, params(), order(second.version), print) as proven,
    ):
        model = PLACE.bundle(second.version) / "model.int8.onnx"
        model.chmod(0o600)
        model.write_bytes(model.read_bytes()[:-1])
        before = read_pointer(PLACE)
        promotion.swap(proven)
        with pytest.raises(GateError, match=r"goes on with v1\.0\.0: .* has another content"):
            promotion.prove_live(proven, print)
        assert promotion.put_back(proven, "it did not prove itself") == "v1.0.0 is live again"
        after = read_pointer(PLACE)
        assert (after.live, after.previous) == (before.live, before.previous)
        assert live_service.reload(service, 10).problem is None
    *_, promoted, back = read_history(PLACE)
    assert (promoted.action, promoted.to_version) == ("promote", "v1.1.0")
    assert (back.action, back.to_version, back.why) == (
        "put back", "v1.0.0", "it did not prove itself",
    )  # fmt: skip
    with pytest.raises(InputError, match=r"v1\.1\.0 was never live"):
        roll_back(PLACE, "v1.1.0", BY, 5)


@pytest.mark.slow
def test_a_service_that_dies_of_it_brings_the_old_pointer_back(packaged: Path) -> None:
    side.write_params(Path(), probe={"seconds": 1.0})
    first = make_release(packaged, "first")
    second = make_release(packaged, "second", champion=first)
    make_live(first)
    with running_service():
        begun = promotion.begun(PLACE, params(), order(second.version), print)
        proven = begun.__enter__()
    # the service has ended between the proof and the probe
    promotion.swap(proven)
    with pytest.raises(GateError, match=r"no good answer within 1 s: the service has ended"):
        promotion.prove_live(proven, print)
    promotion.put_back(proven, "it died")
    begun.__exit__(None, None, None)
    assert live() == "v1.0.0"


def test_a_rollback_does_not_wait_for_a_promotion_which_then_changes_nothing(
    packaged: Path,
) -> None:
    first, second = make_release(packaged, "first"), make_release(packaged, "second")
    make_live(first)
    make_live(second)
    third = make_release(packaged, "third", champion=second)
    with promotion.begun(PLACE, params(), order(third.version), print) as proven:
        roll_back(PLACE, None, BY, 5)  # a TemporaryError after 5 s, if it did wait
        with pytest.raises(TemporaryError, match=r"meanwhile bob did roll back v1\.0\.0"):
            promotion.swap(proven)
    assert live() == "v1.0.0"


def test_a_rollback_during_the_probe_stands(packaged: Path) -> None:
    first, second = make_release(packaged, "first"), make_release(packaged, "second")
    make_live(first)
    make_live(second)
    third = make_release(packaged, "third", champion=second)
    with promotion.begun(PLACE, params(), order(third.version), print) as proven:
        promotion.swap(proven)
        roll_back(PLACE, "v1.0.0", BY, 5)
        assert promotion.put_back(proven, "x").startswith("not put back: meanwhile bob")
    assert live() == "v1.0.0"


def test_promotions_follow_one_another_and_say_when_one_takes_too_long(packaged: Path) -> None:
    side.write_params(Path(), wait_seconds=0.2)
    make_release(packaged, "first")
    with promoting(PLACE, 1), pytest.raises(TemporaryError, match="another promotion has taken"):
        promote(PLACE, params(), order("v1.0.0"), print)
    with changing(PLACE, 1), pytest.raises(TemporaryError, match="another change of what is live"):
        roll_back(PLACE, "v1.0.0", BY, 0.2)
    promote(PLACE, params(), order("v1.0.0"), print)
    assert live() == "v1.0.0"


def test_many_rollbacks_at_once_are_one_after_another(packaged: Path) -> None:
    for name in ("first", "second"):
        make_live(make_release(packaged, name))
    versions = ["v1.0.0", "v1.1.0"] * 6
    threads = [
        threading.Thread(target=roll_back, args=(PLACE, version, ("bob", str(number)), 10))
        for number, version in enumerate(versions)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    history = read_history(PLACE)
    assert [change.number for change in history] == list(range(1, len(versions) + 3))
    for earlier, later in itertools.pairwise(history):
        assert later.from_version == earlier.to_version
    assert live() == history[-1].to_version
    assert json.loads(PLACE.pointer.read_text())["change"]["number"] == len(versions) + 2
