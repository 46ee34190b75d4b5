"""A kill or a full disk at any moment of a save leaves the new checkpoint or the one before."""

import multiprocessing
import os
import re
import shutil
import signal
import subprocess
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
import torch
from torch.distributed.checkpoint import FileSystemWriter

from tasks.train.checkpoint import LAST, drop_older, find_newest, folder_of
from tasks.train.sharded import CheckpointError, read_weights, save
from tests.tasks.namespaces import bound_by_permissions, in_namespace, leave_untested
from tests.tasks.train.ranks import CONTEXT

REFUSED = 7  # exit code of a save that said so
WRITING = "write,pwrite64,writev,fsync,fdatasync,rename,renameat,renameat2,mkdir,unlink,rmdir"


def save_step(work: Path, step: int) -> None:
    """What a training does about its `last`: write the new one, then drop the old."""
    folder = folder_of(work, LAST, step)
    save({"model": {"weight": torch.full((500, 500), float(step))}}, {"step": step}, folder, rank=0)
    drop_older(work, [folder])


def read_step(work: Path) -> int:
    last = find_newest(work, LAST)
    assert last
    weight = read_weights(last)["weight"]
    (value,) = weight.unique().tolist()
    assert torch.load(last / "trainer.pt", weights_only=True) == {"step": value}
    return int(value)


def save_twice(work: Path, pipe: Connection) -> None:
    """The second save waits until the parent watches."""
    save_step(work, 1)
    pipe.send(None)
    pipe.recv()
    try:
        save_step(work, 2)
    except CheckpointError:
        os._exit(REFUSED)
    os._exit(0)


def watched(work: Path, *options: str) -> tuple[int | None, Counter[str]]:
    """Save twice, the second time under strace: the exit code, and how many calls of each kind."""
    work.mkdir()
    if not shutil.which("strace"):
        leave_untested("strace is not installed")
    ours, theirs = multiprocessing.Pipe()
    process = CONTEXT.Process(target=save_twice, args=(work, theirs))
    process.start()
    theirs.close()
    ours.recv()
    log = work.with_suffix(".strace")
    command = ["strace", "-f", "-p", str(process.pid), "-o", str(log), "-e", f"trace={WRITING}"]
    with subprocess.Popen([*command, *options], stderr=subprocess.PIPE, text=True) as strace:
        assert strace.stderr is not None
        if "attached" not in (said := strace.stderr.readline()):
            process.kill()
            leave_untested(f"strace may not watch processes here: {said.strip()}")
        ours.send(None)
        process.join(60)
        strace.wait(20)
    return process.exitcode, Counter(re.findall(r"^\d+ +(\w+)\(", log.read_text(), re.MULTILINE))


@pytest.mark.slow
def test_a_kill_at_any_write_of_a_save_leaves_a_whole_checkpoint(tmp_path: Path) -> None:
    exit_code, calls = watched(tmp_path / "whole")
    assert (exit_code, read_step(tmp_path / "whole")) == (0, 2)
    points = [(call, number) for call in calls for number in range(1, calls[call] + 1)]
    assert {"write", "fsync", "rename"} <= {call for call, _ in points}
    found = Counter[int]()
    for call, number in points:
        work = tmp_path / f"{call}-{number}"
        exit_code, _ = watched(work, "-e", f"inject={call}:signal=SIGKILL:when={number}")
        assert exit_code == -signal.SIGKILL, (call, number)
        found[read_step(work)] += 1
        save_step(work, 3)  # and a later save needs no help
        assert [folder.name for folder in work.iterdir()] == ["last-00000003"]
    assert set(found) == {1, 2}


@pytest.mark.slow
def test_a_full_disk_at_any_write_of_a_save_is_an_error_and_the_old_one_stays(
    tmp_path: Path,
) -> None:
    _, calls = watched(tmp_path / "whole")
    for number in range(1, calls["write"] + 1):
        work = tmp_path / str(number)
        options = f"inject=write:error=ENOSPC:when={number}"
        exit_code, _ = watched(work, "-e", options)
        assert exit_code == REFUSED, number
        assert read_step(work) == 1


SAVE_ON_A_SMALL_DISK = """
import sys
from pathlib import Path
import torch
from tasks.train.checkpoint import LAST, find_newest, folder_of
from tasks.train.sharded import CheckpointError, read_weights, save
for step, side in ((1, 10), (2, 1000)):
    try:
        folder = folder_of(Path("work"), LAST, step)
        save({"model": {"weight": torch.zeros(side, side)}}, {}, folder, rank=0)
    except CheckpointError as error:
        print(error)
print(read_weights(find_newest(Path("work"), LAST))["weight"].numel())
"""


def test_on_a_full_disk_the_error_says_so_and_the_old_one_stays(tmp_path: Path) -> None:
    (tmp_path / "save.py").write_text(SAVE_ON_A_SMALL_DISK)
    python = multiprocessing.spawn.get_executable().decode()
    script = f"mkdir disk; mount -t tmpfs -o size=2m none disk; cd disk; {python} ../save.py"
    result = in_namespace(script, tmp_path)
    assert "no checkpoint saved: " in result.stdout, result.stderr
    assert "(0 MiB free there)" in result.stdout
    assert result.stdout.split()[-1] == "100"


def test_ctrl_c_within_a_save_is_no_failure_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    save_step(tmp_path, 1)
    monkeypatch.setattr(FileSystemWriter, "write_data", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save_step(tmp_path, 2)
    assert read_step(tmp_path) == 1


def test_in_a_folder_one_may_not_write_the_error_says_so(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir(mode=0o500)
    (tmp_path / "save.py").write_text(SAVE_ON_A_SMALL_DISK)
    python = multiprocessing.spawn.get_executable().decode()
    result = subprocess.run(
        [*bound_by_permissions(), python, "save.py"], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}, check=False,
    )  # fmt: skip
    work.chmod(0o700)
    assert result.stdout.count("no checkpoint saved: [Errno 13] Permission denied") == 2


@pytest.mark.parametrize("damage", ["manifest.json", "__0_0.distcp", ".metadata", "trainer.pt"])
def test_a_damaged_checkpoint_is_named_and_the_one_before_is_taken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    for step in (1, 2):
        state = {"model": {"weight": torch.full((3,), float(step))}}
        save(state, {"step": float(step)}, folder_of(tmp_path, LAST, step), rank=0)
    file = tmp_path / "last-00000002" / damage
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert read_step(tmp_path) == 1
    assert "last-00000002 is passed over" in caplog.text
    file.unlink()
    assert read_step(tmp_path) == 1
