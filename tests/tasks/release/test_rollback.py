"""Back at once: by one command, whatever the newest bundle, the history or the pointer is like."""

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tasks.errors import InputError
from tasks.release.rollback import roll_back
from tasks.releases import Release, find_bundle, read_history, read_pointer
from tests.tasks.release.side import PLACE, make_live, make_release

BY = ("bob", "answers are odd")


@pytest.fixture
def three(packaged: Path) -> list[Release]:
    """Promoted one after the other."""
    releases: list[Release] = []
    for name in ("first", "second", "third"):
        releases.append(make_release(packaged, name, releases[-1] if releases else None))
        make_live(releases[-1])
    return releases


def command(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "tasks.release", *arguments],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def live() -> str | None:
    pointer = read_pointer(PLACE)
    return pointer.live.version if pointer.live else None


def test_it_goes_back_step_by_step_to_the_first_and_no_further(three: Sequence[Release]) -> None:
    assert live() == "v1.2.0"
    for expected in ("v1.1.0", "v1.0.0"):
        assert roll_back(PLACE, None, BY, 5).target.version == expected
        assert live() == expected
    with pytest.raises(InputError, match=r"nothing was before it\. Name a version of v1\.0\.0, v1"):
        roll_back(PLACE, None, BY, 5)
    assert live() == "v1.0.0"


def test_it_never_comes_again_to_what_it_left(three: Sequence[Release]) -> None:
    make_live(three[0])
    for expected in ("v1.2.0", "v1.1.0"):
        assert roll_back(PLACE, None, BY, 5).target.version == expected
    with pytest.raises(InputError, match=r"v1\.1\.0 is live, and nothing was before it"):
        roll_back(PLACE, None, BY, 5)


def test_it_goes_to_any_version_and_keeps_who_when_why_from_and_to(
    three: Sequence[Release],
) -> None:
    roll_back(PLACE, "v1.0.0", BY, 5)
    assert find_bundle(PLACE, three[0].target)
    *_, last = read_history(PLACE)
    assert (last.number, last.action, last.who, last.why) == (4, "roll back", *BY)
    assert (last.from_version, last.to_version) == ("v1.2.0", "v1.0.0")
    assert abs(last.at.timestamp() - time.time()) < 60
    assert [change.number for change in read_history(PLACE)] == [1, 2, 3, 4]


def test_there_is_no_way_back_to_what_was_never_live(
    three: Sequence[Release], packaged: Path
) -> None:
    """It would go round the gate, and round what a promotion proves."""
    make_release(packaged, "fourth", three[-1], decision="refused")
    with pytest.raises(InputError, match=r"v1\.3\.0 was never live.*make promote VERSION=v1\.3\.0"):
        roll_back(PLACE, "v1.3.0", BY, 5)
    assert live() == "v1.2.0"


@pytest.mark.parametrize("harm", ["corrupt", "missing"])
def test_the_newest_bundle_plays_no_part(three: Sequence[Release], harm: str) -> None:
    newest = PLACE.release("v1.2.0")
    if harm == "missing":
        shutil.rmtree(newest)
    else:
        for file in newest.rglob("*.*"):
            file.chmod(0o600)
            file.write_bytes(b"\0")
    roll_back(PLACE, None, BY, 5)
    assert live() == "v1.1.0"


def test_a_target_that_is_not_as_released_is_refused_and_another_can_be_named(
    three: Sequence[Release],
) -> None:
    model = PLACE.bundle("v1.1.0") / "model.onnx"
    model.chmod(0o600)
    model.write_bytes(b"x")
    with pytest.raises(InputError, match=r"model\.onnx has another content"):
        roll_back(PLACE, None, BY, 5)
    assert live() == "v1.2.0"
    roll_back(PLACE, "v1.0.0", BY, 5)
    assert live() == "v1.0.0"


@pytest.mark.parametrize("version", ["v9.9.9", "../v1.0.0", "v1.0.0/..", "v1.0.0\n", "v01.0.0"])
def test_a_version_that_is_none_is_refused(three: Sequence[Release], version: str) -> None:
    with pytest.raises(InputError, match=r"Releases that are there: v1\.0\.0, v1\.1\.0, v1\.2\.0"):
        roll_back(PLACE, version, BY, 5)
    assert live() == "v1.2.0"


def test_neither_a_broken_pointer_nor_a_broken_history_stands_in_the_way(
    three: Sequence[Release],
) -> None:
    PLACE.history.write_bytes(b"{\n" + PLACE.history.read_bytes())
    PLACE.pointer.write_bytes(b"")
    with pytest.raises(InputError, match=r"Name what is to be live"):
        roll_back(PLACE, None, BY, 5)
    done = roll_back(PLACE, "v1.1.0", BY, 5)
    assert (live(), done.change.number) == ("v1.1.0", 4)
    roll_back(PLACE, "v1.0.0", BY, 5)
    assert PLACE.history.read_bytes().startswith(b"{\n")
    with pytest.raises(InputError, match=r"history\.jsonl, line 1: .* counts as never live"):
        read_history(PLACE)


def test_one_command_does_it_and_takes_about_a_second(three: Sequence[Release]) -> None:
    started = time.monotonic()
    done = command("rollback", "--why", "answers are odd", "--who", "bob")
    seconds = time.monotonic() - started
    assert done.returncode == 0, done.stderr
    assert re.match(r"v1\.2\.0 -> v1\.1\.0 in \d+\.\d\d s", done.stdout)
    assert "no service runs" in done.stdout
    assert seconds < 15  # 0.7 s where nothing else works
    assert command("rollback").returncode == 2  # a reason is part of it


def test_lists_show_what_is_live_and_who_changed_it(three: Sequence[Release]) -> None:
    roll_back(PLACE, "v1.0.0", BY, 5)
    first, second, third = command("list").stdout.splitlines()
    assert first.split()[:2] == ["v1.2.0", "passed"]
    assert second.startswith("v1.1.0")
    assert third.split()[:3] == ["v1.0.0", "live", "passed"]
    newest, *older = command("history").stdout.splitlines()
    assert "v1.2.0 -> v1.0.0" in newest
    assert newest.endswith("bob: answers are odd")
    assert "nothing -> v1.0.0" in older[-1]


def test_a_command_that_cannot_says_why_in_one_line(three: Sequence[Release]) -> None:
    done = command("rollback", "--to", "v7.0.0", "--why", "x")
    assert done.returncode == 1
    assert done.stderr.startswith("release failed: live/releases/v7.0.0/release.json: No such file")
    assert done.stderr.count("\n") == 1


def test_the_command_knows_neither_prefect_nor_the_training() -> None:
    program = "import sys; import tasks.release.__main__, tasks.release.rollback; " \
        "print({'prefect', 'torch', 'dvc', 'pandas'} & set(sys.modules))"  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
