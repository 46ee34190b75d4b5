import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from flows.checkout import lock
from flows.checkout.lock import HOLDER_FILE, CheckoutBusy, checkout_lock
from tasks.errors import InputError
from tests.project import REPOSITORY

Start = Callable[[str], "subprocess.Popen[str]"]
CRIMSON = "flywheel run crimson-lynx"


@pytest.fixture
def start(bare: Path) -> Iterator[Start]:
    """Start a process that holds the lock, runs some lines, says `held`, and stays."""
    started = []

    def start_holder(lines: str) -> "subprocess.Popen[str]":
        code = f"""
import os, subprocess, sys, time
from flows.checkout.lock import checkout_lock
with checkout_lock({CRIMSON!r}, 0, print):
{textwrap.indent(textwrap.dedent(lines), "    ")}
    print("held", flush=True)
    sys.stdin.readline()
"""
        process = subprocess.Popen(
            [sys.executable, "-c", code], cwd=bare, text=True,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        started.append(process)
        assert process.stdout
        while (line := process.stdout.readline()) != "held\n":
            assert line, "the holder ended before it held the lock"
        return process

    yield start_holder
    for process in started:
        process.kill()
        process.communicate()


def test_a_second_run_waits_and_is_told_for_whom(start: Start) -> None:
    holder = start("pass")
    said: list[str] = []
    with pytest.raises(CheckoutBusy) as caught, checkout_lock("nightly", 0.5, said.append):
        pass
    name = rf"flywheel run crimson-lynx \(pid {holder.pid}, since \d\d:\d\d UTC\)"
    assert caught.match(name)
    assert "run again" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(said) == 1
    assert f"(pid {holder.pid}, " in said[0]


def test_a_run_that_waits_goes_on_when_the_other_ends(start: Start) -> None:
    holder = start("pass")
    said: list[str] = []

    def end_it(line: str) -> None:
        said.append(line)
        holder.communicate("\n")

    with checkout_lock("nightly", 30, end_it):
        assert len(said) == 1


def test_a_long_wait_is_repeated(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    start("pass")
    monkeypatch.setattr(lock, "_REMINDER_SECONDS", 0.2)
    said: list[str] = []
    with pytest.raises(CheckoutBusy), checkout_lock("nightly", 1.0, said.append):
        pass
    assert len(said) > 2


CHILDREN = {
    "a command": "print(subprocess.Popen(['sleep', '60']).pid, flush=True)",
    "a shell and its child": "print(subprocess.Popen('sleep 60; :', shell=True).pid, flush=True)",
    "all descriptors passed on": (
        "print(subprocess.Popen(['sleep', '60'], close_fds=False).pid, flush=True)"
    ),
    "a fork, once it runs": (
        "reading, writing = os.pipe()\nif (pid := os.fork()) == 0:\n    os.write(writing, b'!')\n"
        "    time.sleep(60)\nos.read(reading, 1)\nprint(pid, flush=True)"
    ),
}


@pytest.mark.parametrize("lines", CHILDREN.values(), ids=CHILDREN)
def test_a_killed_holder_frees_the_lock_at_once_though_its_child_lives(
    start: Start, lines: str
) -> None:
    holder = start(lines)
    family = psutil.Process(holder.pid).children(recursive=True)
    assert family
    with pytest.raises(CheckoutBusy), checkout_lock("nightly", 0, print):
        pass
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    try:
        with checkout_lock("nightly", 0, print):
            assert all(child.is_running() for child in family)
    finally:
        for child in family:
            child.kill()


def test_a_forked_child_that_ends_does_not_free_its_parents_lock(start: Start) -> None:
    start("if (pid := os.fork()) == 0:\n    sys.exit()\nos.waitpid(pid, 0)")
    with pytest.raises(CheckoutBusy), checkout_lock("nightly", 0, print):
        pass


NOTES = {
    "none": None, "empty": "", "half": '{"holder": "x', "other": "[]", "a number": "3",
    "no time": '{"holder": "x", "pid": 1, "since": "now"}',
    "of the dead": '{"holder": "x", "pid": 4194305, "since": "2026-01-01T00:00:00+00:00"}',
}  # fmt: skip


@pytest.mark.parametrize("note", NOTES.values(), ids=NOTES)
def test_the_note_beside_the_lock_is_never_trusted(start: Start, note: str | None) -> None:
    start("pass")
    HOLDER_FILE.unlink()
    if note is not None:
        HOLDER_FILE.write_text(note)
    with pytest.raises(CheckoutBusy, match="has not said its name"), checkout_lock("n", 0, print):
        pass


def test_an_error_frees_the_lock_and_takes_the_note_away(bare: Path) -> None:
    with pytest.raises(ZeroDivisionError), checkout_lock("first", 0, print):
        raise ZeroDivisionError
    assert not HOLDER_FILE.exists()
    with checkout_lock("second", 0, print):
        assert "second" in HOLDER_FILE.read_text()


def test_a_folder_that_is_no_checkout_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"\.dvc: no such folder"), checkout_lock("n", 0, print):
        pass
    assert list(tmp_path.iterdir()) == []
