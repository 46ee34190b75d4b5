import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.checkout import dvc_locks
from flows.checkout.dvc_locks import BUSY_PATHS, find_dvc_processes, free_busy_paths
from flows.checkout.lock import CheckoutBusy
from tests.project import environment, run, try_run


def write_table(content: bytes) -> None:
    BUSY_PATHS.parent.mkdir(parents=True, exist_ok=True)
    BUSY_PATHS.write_bytes(content)


def table(pid: int, command: str = "dvc repro") -> bytes:
    claim: dict[str, Any] = {"pid": pid, "cmd": command}
    path = str(Path.cwd() / "data/on/numbers.txt")
    return json.dumps({"write": {path: claim}, "read": {path + "x": [claim]}}).encode()


@pytest.fixture
def unburied(bare: Path) -> Iterator[int]:
    """The number of a process that was killed and whose parent has not asked for its end."""
    process = subprocess.Popen(["sleep", "60"])
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    yield process.pid
    process.wait()


DAMAGED = {
    "empty": b"", "half": b'{"write": {"a": {"pid": 1', "a list": b"[]", "binary": b"\xff\x00",
    "other keys": b'{"lock": {}}', "no number": b'{"write": {"a": {"pid": "x", "cmd": "dvc"}}}',
    "read as one": b'{"read": {"a": {"pid": 1, "cmd": "dvc"}}}', "deep": b"[" * 100_000,
}  # fmt: skip


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_table_is_removed_and_said(bare: Path, content: bytes) -> None:
    write_table(content)
    said: list[str] = []
    free_busy_paths(said.append)
    assert not BUSY_PATHS.exists()
    assert said == [
        f"{BUSY_PATHS} was damaged ({len(content)} bytes), left by a killed dvc: removed"
    ]


@pytest.mark.parametrize(
    "pid", [4_194_305, 1, os.getppid(), os.getpid()], ids=["none", "init", "parent", "own"]
)
def test_claims_of_the_dead_and_of_strangers_are_removed(bare: Path, pid: int) -> None:
    write_table(table(pid))
    said: list[str] = []
    free_busy_paths(said.append)
    assert not BUSY_PATHS.exists()
    assert "gone" in said[0]


def test_a_claim_of_an_unburied_process_is_removed(unburied: int) -> None:
    write_table(table(unburied, "sleep 60"))
    free_busy_paths(print)
    assert not BUSY_PATHS.exists()


@pytest.mark.parametrize("content", [None, b"{}", b'{"write": {}, "read": {}}'])
def test_a_table_without_claims_is_left_alone(bare: Path, content: bytes | None) -> None:
    if content is not None:
        write_table(content)
    said: list[str] = []
    free_busy_paths(said.append)
    assert said == []
    assert BUSY_PATHS.exists() == (content is not None)


@pytest.mark.slow
@pytest.mark.parametrize("content", [b"", b'{"write": {"a', None])
def test_dvc_itself_stops_at_such_a_table_and_then_goes_on(
    chain: Path, content: bytes | None
) -> None:
    write_table(table(1) if content is None else content)
    Path("params.yaml").write_text("factor: 3\n")
    Path("data/on/numbers.txt").unlink()
    assert try_run(chain, ["dvc", "repro"]).returncode != 0  # the control: it is needed
    free_busy_paths(print)
    run(chain, ["dvc", "repro"])


@pytest.fixture
def living(chain: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A `dvc repro` started by hand, in the middle of a stage."""
    dvc_yaml = Path("dvc.yaml").read_text()
    Path("dvc.yaml").write_text(
        dvc_yaml + "  slow:\n    cmd: touch begun; sleep 60\n    outs: [x]\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "dvc", "repro", "slow"], env=environment(),
        stdout=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not Path("begun").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    yield process
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.mark.slow
@pytest.mark.parametrize("damaged", [False, True])
def test_a_living_dvc_is_waited_for_and_named(
    living: "subprocess.Popen[bytes]", monkeypatch: pytest.MonkeyPatch, damaged: bool
) -> None:
    monkeypatch.setattr(dvc_locks, "WAIT_SECONDS", 1.0)
    if damaged:
        BUSY_PATHS.write_bytes(b"")
    before = BUSY_PATHS.read_bytes()
    assert [process.pid for process in find_dvc_processes()] == [living.pid]
    said: list[str] = []
    with pytest.raises(CheckoutBusy, match=rf"-m dvc repro slow` \(pid {living.pid}\)") as caught:
        free_busy_paths(said.append)
    assert len(said) == 1
    assert "\n" not in str(caught.value)
    assert BUSY_PATHS.read_bytes() == before

    os.killpg(living.pid, signal.SIGKILL)  # what it leaves is cleaned up, unburied as it is
    free_busy_paths(said.append)
    assert not BUSY_PATHS.exists()


@pytest.mark.slow
def test_a_dvc_in_another_checkout_is_not_ours(
    living: "subprocess.Popen[bytes]", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other/.dvc").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "other")
    write_table(table(living.pid))
    assert find_dvc_processes() == []
    free_busy_paths(print)
    assert not BUSY_PATHS.exists()
