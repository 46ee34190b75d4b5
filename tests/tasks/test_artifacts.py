"""Whole or absent, also under kill -9, a full disk and a folder that cannot be written."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tasks.artifacts import json_bytes, sha256_of, whole_file, whole_folder, write_json
from tests.tasks.namespaces import ROOT, in_namespace

NAMES = ["a.txt", "deep/b.txt", "deep/er/c.txt"]
# Kills itself with -9 just before its k-th change of the disk, as the interpreter announces it.
KILLED = """
import os, signal, sys
from pathlib import Path
from tasks.artifacts import whole_folder
moment, target, content = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
CHANGES = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir"}
count = 0
def watch(event, args):
    global count
    if event in CHANGES and str(target.parent) in str(args[0]):
        count += 1
        if count == moment:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(watch)
with whole_folder(target) as folder:
    for name in sys.argv[4:]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
"""


def write(target: Path, content: str, names: Sequence[str] = NAMES) -> None:
    with whole_folder(target) as folder:
        for name in names:
            if name in NAMES:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(content)


def contents(target: Path) -> dict[str, str]:
    files = (file for file in target.rglob("*") if file.is_file())
    return {str(file.relative_to(target)): file.read_text() for file in files}


def test_a_kill_at_any_moment_leaves_old_or_new_or_none_and_the_next_run_mends_it(tmp_path: Path):
    old, new, newest = (dict.fromkeys(NAMES, text) for text in ("old", "new", "newest"))
    seen = []
    for moment in range(1, 200):
        target = tmp_path / str(moment) / "out"
        write(target, "old")
        command = [sys.executable, "-c", KILLED, str(moment), str(target), "new", *NAMES]
        code = subprocess.run(command, cwd=ROOT, check=False).returncode
        seen.append(contents(target) if target.exists() else None)
        assert seen[-1] in (old, new, None)
        with pytest.raises(RuntimeError), whole_folder(target):
            raise RuntimeError("the next run fails")
        assert contents(target) in (old, new)
        write(target, "newest")
        assert contents(target) == newest
        assert [path.name for path in target.parent.iterdir()] == ["out"]
        if code == 0:
            break
    assert code == 0
    assert all(state in seen for state in (old, new, None))


def test_an_error_within_the_block_leaves_the_earlier_folder_and_nothing_else(tmp_path: Path):
    write(tmp_path / "out", "old")
    with pytest.raises(FileNotFoundError):
        write(tmp_path / "out", "new", names=["a.txt", "no/such/folder/b.txt"])
    assert contents(tmp_path / "out") == dict.fromkeys(NAMES, "old")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_files_that_the_new_folder_lacks_are_gone(tmp_path: Path) -> None:
    write(tmp_path / "out", "old")
    with whole_folder(tmp_path / "out") as folder:
        (folder / "only.txt").write_text("new")
    assert contents(tmp_path / "out") == {"only.txt": "new"}


FULL = """
import sys
from pathlib import Path
from tasks.artifacts import whole_file, whole_folder
large = b"x" * 1_000_000
for kind in ("folder", "file"):
    try:
        if kind == "file":
            with whole_file(Path("disk/file")) as stream:
                stream.write(large)
        else:
            with whole_folder(Path("disk/out")) as folder:
                (folder / "large").write_bytes(large)
    except OSError as error:
        print(kind, error.strerror)
"""


@pytest.mark.parametrize(
    ("remount", "message"),
    [("size=100k", "No space left on device"), ("ro", "Read-only file system")],
)
def test_a_disk_that_takes_no_more_keeps_what_it_had(tmp_path: Path, remount: str, message: str):
    (tmp_path / "full.py").write_text(FULL)
    done = in_namespace(
        "mkdir disk && mount -t tmpfs -o size=100k none disk && mkdir disk/out && "
        "echo old > disk/out/a && echo old > disk/file && "
        f"mount -o remount,{remount} none disk && {sys.executable} full.py && "
        "cat disk/out/a disk/file && ls -A disk",
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
    lines = [f"folder {message}", f"file {message}", "old", "old", "file", "out"]
    assert done.stdout.split("\n")[:-1] == lines


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    file = tmp_path / "new/folder/value.json"
    write_json(file, {"b": 1, "a": "ä"})
    assert file.read_text(encoding="utf-8") == '{\n  "a": "ä",\n  "b": 1\n}\n'
    with whole_file(file) as stream:
        stream.write(b"other")
    assert file.read_bytes() == b"other"
    assert [path.name for path in file.parent.iterdir()] == ["value.json"]


def test_json_refuses_what_is_no_json_number() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_bytes({"f1": float("nan")})


def test_the_sha256_is_that_of_the_content(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2
    assert sha256_of(tmp_path / "abc") == expected
