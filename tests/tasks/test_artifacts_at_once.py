"""Several who write one file at once, and one who was killed at it."""

import contextlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tasks.artifacts import whole_file
from tasks.errors import InputError
from tests.tasks.namespaces import ROOT

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


def replace(file: Path, content: bytes) -> None:
    with whole_file(file) as stream:
        stream.write(content)


@pytest.mark.parametrize("fails", [False, True])
def test_of_two_writers_at_once_the_second_waits_and_comes_last(tmp_path: Path, fails: bool):
    file = tmp_path / "value"
    replace(file, b"old")
    with ThreadPoolExecutor() as pool:
        with contextlib.suppress(InputError), whole_file(file) as stream:
            stream.write(b"first")
            stream.flush()
            second = pool.submit(replace, file, b"second")
            with pytest.raises(TimeoutError):
                second.result(0.3)
            assert file.read_bytes() == b"old"
            if fails:
                raise InputError("its disk is full")
        second.result(60)
    assert file.read_bytes() == b"second"
    assert [path.name for path in tmp_path.iterdir()] == ["value"]


WRITER = """
import sys
from pathlib import Path
from tasks.artifacts import whole_file
for number in range(100):
    with whole_file(Path("value")) as stream:
        for part in range(20):
            stream.write(sys.argv[1].encode() * (number + 1))
            stream.flush()
"""


def test_of_many_writers_a_reader_never_sees_a_mix_and_none_fails(tmp_path: Path) -> None:
    file = tmp_path / "value"
    replace(file, b"")
    command = [sys.executable, "-c", WRITER]
    writers = [subprocess.Popen([*command, letter], cwd=tmp_path, env=ENVIRONMENT)
               for letter in "abc"]  # fmt: skip
    while any(writer.poll() is None for writer in writers):
        content = file.read_bytes()
        assert len(set(content)) <= 1
        assert len(content) % 20 == 0
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    assert file.read_bytes() in (b"a" * 2000, b"b" * 2000, b"c" * 2000)
    assert [path.name for path in tmp_path.iterdir()] == ["value"]


def test_what_a_killed_writer_has_left_holds_nobody_and_goes_with_the_next(tmp_path: Path) -> None:
    program = """
import os, signal
from pathlib import Path
from tasks.artifacts import whole_file
with whole_file(Path("value")) as stream:
    stream.write(b"half of something long")
    stream.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=ENVIRONMENT, check=False)
    assert [path.name for path in tmp_path.iterdir()] == [".value.new"]
    replace(tmp_path / "value", b"short")
    assert (tmp_path / "value").read_bytes() == b"short"
    assert [path.name for path in tmp_path.iterdir()] == ["value"]
