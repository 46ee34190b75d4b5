import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.flows.services.place import Place, end, is_alive, make_place, wait_for

pytestmark = pytest.mark.slow
NUM_SERVICES = 5  # supervisord, server, worker; what holds the service's ports, and what answers


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Place]:
    made = make_place(tmp_path / "a folder with spaces" / ("deep" * 20) / ("deeper" * 10), {})
    try:
        yield made
    finally:
        end(made)


def family(place: Place) -> list[psutil.Process]:
    return [
        *place.processes("supervisord"), *place.processes("prefect server start"),
        *place.processes("prefect worker start"), *place.processes("-m serving"),
    ]  # fmt: skip


def test_up_and_down_of_two_checkouts_side_by_side(place: Place, fresh: Place) -> None:
    """In a deep folder with spaces, beside another checkout that must not notice."""
    others = family(place)
    said = fresh.up()
    assert f"http://127.0.0.1:{fresh.port}" in said
    assert ".prefect/profiles.toml" in said
    service = json.loads((fresh.folder / "live/service.json").read_text())
    assert service["url"] in said
    assert httpx.get(f"{service['url']}/healthz").status_code == 200
    assert len(family(fresh)) == NUM_SERVICES
    password = fresh.profile()["PREFECT_API_AUTH_STRING"]
    assert password != place.profile()["PREFECT_API_AUTH_STRING"]
    run = fresh.start()
    fresh.wait_for_state(run, "Completed")
    mine = fresh.processes()
    fresh.run("down")
    assert not any(map(is_alive, mine))
    assert fresh.processes() == []
    assert family(place) == others
    assert "nothing was running" in fresh.run("down").stdout
    plain = fresh.try_run(["prefect", "config", "view", "--show-secrets"])
    assert "PREFECT_API_URL" not in plain.stdout
    fresh.up()  # history and password stay
    assert fresh.profile()["PREFECT_API_AUTH_STRING"] == password
    assert fresh.read(run).state_name == "Completed"


def test_a_killed_supervisord_leaves_no_orphan_and_nothing_to_mend(fresh: Place) -> None:
    fresh.up()
    run = fresh.start(seconds=300)
    fresh.wait_for_state(run, "Running")
    (supervisord,) = fresh.processes("supervisord")
    services = [process for process in family(fresh) if process != supervisord]
    os.kill(supervisord.pid, signal.SIGKILL)
    gone, alive = psutil.wait_procs(services, timeout=20)
    assert len(gone) == NUM_SERVICES - 1, alive
    fresh.run("down")  # the pid file is stale; what the worker had started is ended as well
    assert fresh.processes() == []
    fresh.up()
    assert len(family(fresh)) == NUM_SERVICES


def test_a_pid_used_anew_is_not_taken_for_supervisord(fresh: Place) -> None:
    with subprocess.Popen(["sleep", "60"]) as stranger:
        (fresh.folder / ".prefect").mkdir()
        (fresh.folder / ".prefect/supervisord.pid").write_text(f"{stranger.pid}\n")
        assert "nothing was running" in fresh.run("down").stdout
        assert stranger.poll() is None
        stranger.kill()


def automations(place: Place) -> set[tuple[str, str]]:
    """Name and time of the last change of each."""
    with place.client() as client:
        found = client.request("POST", "/automations/filter").json()
    return {(automation["name"], automation["updated"]) for automation in found}


def test_twice_is_harmless_and_applies_what_changed(place: Place) -> None:
    before, watching = family(place), automations(place)
    file = place.folder / "prefect.yaml"
    text = file.read_text()
    try:
        file.write_text(text.replace("0 2 * * *", "30 3 * * *"))
        said = place.up()
        with place.client() as client:
            nightly = client.read_deployment_by_name("nightly-retrain/nightly-retrain")
    finally:
        file.write_text(text)
        place.up()
    assert "already running" in said
    assert family(place) == before
    (schedule,) = nightly.schedules
    assert (schedule.schedule.cron, schedule.schedule.timezone) == ("30 3 * * *", "UTC")
    assert nightly.concurrency_options.collision_strategy.value == "CANCEL_NEW"
    assert automations(place) == watching  # an update would forget which runs are being watched


def test_another_port_while_it_runs_is_refused(place: Place) -> None:
    result = place.try_run([sys.executable, "-m", "flows.services.up"], PORT="1234")
    assert result.returncode == 1
    assert result.stdout.count("\n") == 1
    assert f"up on port {place.port}" in result.stdout


def test_a_busy_port_is_named_with_its_holder_and_a_remedy(fresh: Place) -> None:
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", fresh.port))
        holder.listen()
        result = fresh.try_run([sys.executable, "-m", "flows.services.up"])
    assert result.returncode == 1
    assert result.stdout.count("\n") == 1
    assert f"port {fresh.port}" in result.stdout
    assert str(os.getpid()) in result.stdout
    assert f"make up PORT={fresh.port + 1}" in result.stdout
    assert fresh.processes() == []


def test_a_server_that_cannot_start_is_reported_with_its_last_words(fresh: Place) -> None:
    nowhere = "postgresql+asyncpg://nobody@127.0.0.1:1/none"
    result = fresh.try_run(
        [sys.executable, "-m", "flows.services.up"], PREFECT_API_DATABASE_CONNECTION_URL=nowhere
    )
    assert result.returncode == 1
    assert "last words" in result.stdout.splitlines()[-1]
    assert "server.log" in result.stdout
    assert fresh.processes() == []
    assert 'active = "down"' in (fresh.folder / ".prefect/profiles.toml").read_text()


@pytest.mark.parametrize("service", ["prefect server start", "prefect worker start"])
def test_a_killed_service_is_started_again(place: Place, service: str) -> None:
    (process,) = place.processes(service)
    os.kill(process.pid, signal.SIGKILL)
    wait_for(lambda: [p for p in place.processes(service) if p.pid != process.pid])
    if "server" in service:
        wait_for(lambda: place.try_run(["prefect", "version"]).returncode == 0)
    run = wait_for(lambda: _started(place))
    place.wait_for_state(run, "Completed")


def _started(place: Place) -> object:
    try:
        return place.start()
    except httpx.HTTPError:  # it is not back yet
        return None
