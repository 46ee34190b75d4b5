"""What a running service refuses, as flows: a resumed promotion is put back, a rollback fails."""

from pathlib import Path

import pytest

from flows.promote import promote
from flows.rollback import rollback
from tasks.releases import read_pointer
from tests.flows.last_run import last_run, states
from tests.flows.live_checkout import release_run
from tests.flows.runs import git_here
from tests.tasks.release.side import PLACE, make_live, make_unloadable, running_service

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server", "live_checkout")]


def test_a_promotion_that_was_killed_before_its_probe_is_put_back_by_the_next(
    packaged: Path,
) -> None:
    first = release_run(packaged, "kind-owl")
    make_live(first)
    with running_service():
        make_live(make_unloadable(packaged, "bold-fox", champion=first))
        state = promote("v1.1.0", return_state=True)
    assert state.is_failed()
    assert "v1.1.0 did not prove itself live" in (state.message or "")
    assert states(last_run()[1]) == {"swap": "RolledBack", "probe": "Failed"}
    assert read_pointer(PLACE).live == first.target


def test_a_rollback_that_it_refuses_stands_and_its_run_fails(packaged: Path) -> None:
    old = make_unloadable(packaged, "bold-fox", commit=git_here("rev-parse", "HEAD").strip())
    make_live(old)
    make_live(release_run(packaged, "kind-owl", champion=old))
    with running_service():
        state = rollback("odd answers", return_state=True)
    assert state.is_failed()
    assert "rolled back from v1.1.0 to v1.0.0 (odd answers); but the service goes on with v1.1" in (
        state.message or ""
    )
    assert read_pointer(PLACE).live == old.target
