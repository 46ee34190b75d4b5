"""A run whose process is gone is marked within 90 s; one that is only quiet is left alone."""

import logging
import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from uuid import UUID

import psutil
import pytest

from flows.services.automations import SILENCE_SECONDS
from tests.flows.services.place import Place, end, is_alive, make_place, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
HEARTBEAT_SECONDS = 30


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """One of its own: its services are killed, and killed for good."""
    made = make_place(tmp_path_factory.mktemp("dead_runs") / "checkout", {})
    try:
        made.up()
        yield made
    finally:
        end(made)


def flow_process(place: Place, run: UUID) -> psutil.Process:
    """The process of a run: Prefect names it in the environment alone."""

    def look() -> psutil.Process | None:
        return next(
            (p for p in place.processes("python") if _run_of(p) == str(run)),
            None,
        )

    return wait_for(look)


def _run_of(process: psutil.Process) -> str | None:
    try:
        return str(process.environ().get("PREFECT__FLOW_RUN_ID"))
    except psutil.Error:
        return None


def kill_with_worker(place: Place, run: UUID) -> None:
    """Both at once: a worker that lives on would see its run die and say so itself."""
    victim = flow_process(place, run)
    os.kill(victim.pid, signal.SIGSTOP)
    (worker,) = place.processes("prefect worker start")
    os.kill(worker.pid, signal.SIGKILL)
    os.kill(victim.pid, signal.SIGKILL)


def restart_server_by_killing_it(place: Place) -> None:
    (server,) = place.processes("prefect server start")
    os.kill(server.pid, signal.SIGKILL)
    with place.client() as client:
        wait_for(lambda: client.api_healthcheck() is None)


def test_a_killed_run_is_crashed_and_a_quiet_one_is_not(place: Place) -> None:
    """The quiet one says nothing for longer than two windows, and the server is killed meanwhile.

    Its heartbeats come from a thread of its process, and wait for the server to come back.
    """
    quiet = place.start("nightly-retrain", seconds=2 * SILENCE_SECONDS + 20)
    place.wait_for_state(quiet, "Running")
    restart_server_by_killing_it(place)
    killed = place.start(seconds=600)
    place.wait_for_state(killed, "Running")
    kill_with_worker(place, killed)
    moment = time.monotonic()
    message = place.wait_for_state(killed, "Crashed").state_message
    logging.info("Crashed %.0f s after the kill", time.monotonic() - moment)
    assert "no sign of life" in message
    finished = place.wait_for_state(quiet, "Completed", "Crashed", "Failed", seconds=300)
    assert finished.state_name == "Completed"
    time.sleep(SILENCE_SECONDS + 10)  # and what has ended stays as it has ended
    assert place.read(quiet).state_name == "Completed"
    place.wait_for_state(place.start(), "Completed")  # the dead run holds no slot


def test_a_run_that_died_with_the_services_is_marked_when_they_are_back(place: Place) -> None:
    run = place.start(seconds=600)
    place.wait_for_state(run, "Running")
    process = flow_process(place, run)
    place.run("down")
    assert not is_alive(process)
    with closing(sqlite3.connect(place.folder / ".prefect/prefect.db")) as database, database:
        aged = database.execute(  # as if the machine had been off since yesterday
            'UPDATE automation_bucket SET "end" = datetime("end", \'-1 day\')'
        )
        assert aged.rowcount
    place.up()
    place.wait_for_state(run, "Crashed")
