"""The service's processes: how they end, are replaced, and who may not start."""

import os
import signal
import subprocess
import sys
import time

import httpx
import psutil
import pytest

from tests.project import REPOSITORY
from tests.serving.conftest import Bundles
from tests.serving.live_place import LivePlace, pid_of, wait_for


def test_it_ends_soon_although_a_client_keeps_its_connection(
    live_place: LivePlace, bundles: Bundles
) -> None:
    live_place.point(live_place.release("v1.0.0", bundles.first))
    with httpx.Client() as client, live_place.serve() as served:
        assert client.get(f"{served.url}/readyz").status_code == 200
        started = time.monotonic()
        served.process.send_signal(signal.SIGINT)
        assert served.process.wait(20) == 0
        assert time.monotonic() - started < 5


def test_a_worker_that_is_killed_is_replaced_and_the_port_stays(
    live_place: LivePlace, bundles: Bundles
) -> None:
    live_place.point(live_place.release("v1.0.0", bundles.first))
    with live_place.serve() as served:
        (worker,) = psutil.Process(served.process.pid).children()
        worker.kill()
        assert served.predict("good").status_code == 200, "asked meanwhile, it waits"
        assert pid_of(served) != worker.pid


def test_a_new_process_that_does_not_start_leaves_the_old_one_answering(
    live_place: LivePlace, bundles: Bundles
) -> None:
    live_place.point(live_place.release("v1.0.0", bundles.first))
    with live_place.serve() as served:
        before = pid_of(served)
        live_place.write_params(batch__max_texts=0)
        served.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "the old one goes on" in served.log.read_text())
        assert pid_of(served) == before
        assert served.predict("good").status_code == 200
        assert "serving.batch.max_texts" in served.log.read_text()


def test_a_restart_does_not_give_up_a_model_that_is_damaged_on_disk_meanwhile(
    live_place: LivePlace, bundles: Bundles
) -> None:
    live_place.point(live_place.release("v1.0.0", bundles.first))
    with live_place.serve() as served:
        before = pid_of(served)
        (live_place.place.bundle("v1.0.0") / "model.onnx").unlink()
        served.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "the old one goes on" in served.log.read_text())
        assert pid_of(served) == before
        assert served.predict("good").status_code == 200


def test_many_wishes_for_a_restart_are_one(live_place: LivePlace, bundles: Bundles) -> None:
    live_place.point(live_place.release("v1.0.0", bundles.first))
    with live_place.serve() as served:
        for _ in range(20):
            served.process.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        started = time.monotonic()
        served.process.send_signal(signal.SIGINT)
        assert served.process.wait(30) == 0
        assert time.monotonic() - started < 10
    assert served.log.read_text().count("loading v1.0.0") <= 3


def test_a_second_service_in_the_same_checkout_is_refused(
    live_place: LivePlace, bundles: Bundles
) -> None:
    with live_place.serve() as served, (live_place.folder / "second.log").open("w") as log:
        second = live_place.start(log)
        assert second.wait(20) == 1
        said = (live_place.folder / "second.log").read_text()
        assert said.count("\n") == 1
        assert served.url in said


@pytest.mark.slow
def test_a_damaged_store_and_a_death_end_no_answers(
    live_place: LivePlace, bundles: Bundles
) -> None:
    live_place.point(live_place.release("v1.0.0", bundles.first))
    with live_place.serve() as served:
        for file in live_place.place.folder.glob("store.db*"):
            file.unlink()
        (live_place.place.folder / "store.db").write_bytes(b"garbage" * 3000)
        (worker,) = psutil.Process(served.process.pid).children()
        worker.kill()
        assert served.predict("good").status_code == 200
        assert "answers go on, but predictions wait" in served.log.read_text()


@pytest.mark.slow
def test_a_restart_that_is_wished_for_during_a_start_comes(
    live_place: LivePlace, bundles: Bundles
) -> None:
    live_place.point(live_place.release("v1.0.0", bundles.first))
    with live_place.serve() as served:
        (worker,) = psutil.Process(served.process.pid).children()
        worker.kill()
        wait_for(lambda: served.log.read_text().count("another") == 1)
        time.sleep(0.2)  # it starts now
        served.process.send_signal(signal.SIGHUP)
        wait_for(lambda: served.log.read_text().count("loading v1.0.0") == 3)


@pytest.mark.parametrize("port", ["70000", "-5"])
def test_a_number_that_is_no_ports_is_one_line(live_place: LivePlace, port: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "serving", "--port", port], cwd=live_place.folder, text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, capture_output=True, check=False,
    )  # fmt: skip
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"serving failed: 127.0.0.1:{port}: ")
