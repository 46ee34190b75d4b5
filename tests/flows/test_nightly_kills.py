"""Nights that are killed, cancelled, or two at once: never trained twice, and never given up."""

import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from tests.flows.nights import LEARN, Nights, make_nights, outcomes
from tests.flows.services.place import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server")]
WAIT = "touch waiting; while test -e wait; do sleep 0.1; done; "


@pytest.fixture
def nights(tmp_path: Path) -> Nights:
    """Its stage waits for as long as there is a file `wait`."""
    made = make_nights(tmp_path / "checkout")
    made.set_command(WAIT + str(LEARN["cmd"]))
    return made


def start_and_wait(nights: Nights) -> tuple["subprocess.Popen[str]", list[psutil.Process]]:
    """A night in the middle of its stage, and all that it has started."""
    (nights.folder / "wait").touch()
    process = nights.start()
    wait_for((nights.folder / "waiting").exists)
    return process, psutil.Process(process.pid).children(recursive=True)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_training_that_was_ended_leaves_no_stage_and_goes_on(
    nights: Nights, number: signal.Signals
) -> None:
    process, family = start_and_wait(nights)
    process.send_signal(number)
    process.communicate(timeout=150)
    gone, alive = psutil.wait_procs(family, timeout=60)
    assert gone
    assert not alive
    (training,) = nights.trainings()
    assert training.outcome == "interrupted"
    assert (training.ended is None) == (number == signal.SIGKILL)
    (nights.folder / "wait").unlink()
    assert "train: " in nights.night()
    assert outcomes(nights.trainings()) == ["interrupted", "finished"]
    assert nights.num_trained == 1


def test_two_at_once_train_once(nights: Nights) -> None:
    starts = [nights.start("--event", event) for event in ("drift", "quality")]
    texts = [start.communicate(timeout=300)[0] for start in starts]
    assert [start.returncode for start in starts] == [0, 0], "\n".join(texts)
    assert nights.num_trained == 1
    assert outcomes(nights.trainings()) == ["finished"]
    assert sum("skip: nothing to do" in text for text in texts) == 1


@pytest.mark.parametrize("num_kept", [0, 1, 2])
def test_a_record_that_a_kill_cut_off_trains_nothing_twice(nights: Nights, num_kept: int) -> None:
    """Decided, started, ended: as if the machine had died before each of these was written."""
    nights.night()
    lines = nights.history_file.read_bytes().splitlines(keepends=True)
    nights.history_file.write_bytes(b"".join(lines[:num_kept]) + lines[num_kept][:9])
    assert "skip: nothing to do" in nights.night()
    assert nights.num_trained == 1
