"""A promotion that was killed between swap and probe, promoted again: proven, or put back."""

from pathlib import Path

import pytest

from tasks.errors import GateError
from tasks.release.promotion import promote
from tasks.release.rollback import roll_back
from tasks.releases import read_history, read_pointer, read_release
from tests.tasks.release.side import (
    PLACE,
    make_live,
    make_release,
    make_unloadable,
    order,
    params,
    running_service,
)


@pytest.fixture(autouse=True)
def _two_and_one_that_waits(packaged: Path) -> None:
    first = make_release(packaged, "first")
    second = make_release(packaged, "second", champion=first)
    make_live(first)
    make_live(second)
    make_unloadable(packaged, "third", champion=second)


def promote_and_kill(version: str) -> None:
    make_live(read_release(PLACE, version))


@pytest.mark.slow
def test_what_the_service_refuses_is_put_back() -> None:
    before = read_pointer(PLACE)
    with running_service():
        promote_and_kill("v1.2.0")
        with pytest.raises(GateError, match=r"v1\.2\.0 did not prove.* normalises .*v1\.1\.0 is l"):
            promote(PLACE, params(), order("v1.2.0"), print)
    after = read_pointer(PLACE)
    assert (after.live, after.previous) == (before.live, before.previous)


def test_it_goes_on_with_the_probe_alone() -> None:
    """Gate and proofs were before the swap, so only a service would notice now."""
    promote_and_kill("v1.2.0")
    said: list[str] = []
    line = promote(PLACE, params(), order("v1.2.0"), said.append)
    assert line.startswith("v1.2.0 is live; no service runs")
    assert said == ["no service runs, so none was asked; the next one starts with it"]
    assert [change.action for change in read_history(PLACE)] == ["promote"] * 3
    assert roll_back(PLACE, None, ("bob", "odd"), 5).target.version == "v1.1.0"


@pytest.mark.slow
def test_what_a_person_rolled_back_to_stays_live() -> None:
    promote_and_kill("v1.2.0")
    roll_back(PLACE, "v1.0.0", ("bob", "odd"), 5)
    with running_service():
        roll_back(PLACE, "v1.2.0", ("bob", "I want it"), 5)
        before = read_pointer(PLACE)
        with pytest.raises(GateError, match=r"the service goes on with v1\.0\.0: "):
            promote(PLACE, params(), order("v1.2.0"), print)
    assert read_pointer(PLACE) == before
