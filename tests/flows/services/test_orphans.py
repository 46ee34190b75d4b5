"""Whoever is killed, no process of the run is alive five seconds later, and the next run works."""

from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from flows.services.temporary import free_port
from tests.chain import diamond, make_checkout, write_graph
from tests.flows.services.place import Place, end, is_alive, wait_for
from tests.project import run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
STAGE = """
import subprocess, time
from tasks.stage import die_with_parent
die_with_parent()
time.sleep(600)
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The real flow, worker and server; stage `left` works until it is killed."""
    folder = make_checkout(tmp_path_factory.mktemp("orphans") / "checkout", sleeping())
    (folder / "stage.py").write_text(STAGE)
    made = Place(folder.resolve(), free_port(), {})
    try:
        made.up()
        yield made
    finally:
        end(made)


def sleeping() -> dict[str, dict[str, Any]]:
    stages = diamond()
    stages["left"] |= {"cmd": "exec python stage.py", "meta": {"resource": "gpu"}}
    return stages


def family_of_run(place: Place) -> dict[str, psutil.Process]:
    """The stage that sleeps, and whoever is above it up to the worker."""

    def look() -> psutil.Process | None:
        return next(iter(place.processes("python stage.py")), None)

    # the slot of the run killed before is free again after a minute
    stage = wait_for(look, explain=lambda: place.log("worker"))
    above = stage.parents()
    words = [" ".join(process.cmdline()) for process in above]
    worker = next(n for n, line in enumerate(words) if "worker start" in line)
    flow = next(n for n, line in enumerate(words) if "prefect.engine" in line)
    named = {"stage": stage, "dvc": above[0], "flow": above[flow], "worker": above[worker]}
    return named | {
        f"between {n}": above[n] for n in range(worker) if above[n] not in named.values()
    }


@pytest.mark.parametrize("victim", ["worker", "flow", "dvc"])
def test_nobody_of_a_run_outlives_the_one_that_was_killed(place: Place, victim: str) -> None:
    run_id = place.start(force=True)
    family = family_of_run(place)
    family[victim].kill()
    who = [process for name, process in family.items() if name in ("stage", "dvc")]
    if victim != "dvc":  # then the flow lives on, to say that the stage was killed
        who = list(family.values()) if victim == "worker" else [*who, family["flow"]]
    wait_for(lambda: not any(map(is_alive, who)), 20, lambda: str(list(filter(is_alive, who))))
    ended = place.wait_for_state(run_id, "Crashed", "Failed", seconds=200)
    if victim == "dvc":
        assert ended.state_name == "Failed"
        assert "killed" in ended.state_message


def test_the_next_run_finishes_without_any_mending(place: Place) -> None:
    write_graph(place.folder, diamond())
    place.wait_for_state(place.start(), "Completed")
    assert "up to date" in run(place.folder, ["dvc", "status"]).stdout


def test_whoever_kills_the_server_the_run_lives_on(place: Place) -> None:
    stages = diamond()
    stages["left"]["cmd"] = f"sleep 25; {stages['left']['cmd']}"
    write_graph(place.folder, stages)
    run_id = place.start()
    place.wait_for_state(run_id, "Running")
    (server,) = place.processes("prefect server start")
    server.kill()

    def answers() -> bool:
        with place.client() as client:
            return client.api_healthcheck() is None

    wait_for(answers)
    assert place.wait_for_state(run_id, "Completed", "Failed", "Crashed").state_name == "Completed"
