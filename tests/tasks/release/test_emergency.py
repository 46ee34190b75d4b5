"""A rollback where other things fail, too: it is done, or one line says why not and what helps."""

import subprocess
import sys
from pathlib import Path

import pytest

from tasks.releases import read_pointer
from tests.tasks.release.side import (
    PLACE,
    make_live,
    make_release,
    make_unloadable,
    running_service,
)

ROLL_BACK = [sys.executable, "-m", "tasks.release", "rollback", "--why", "odd"]


def live() -> str | None:
    pointer = read_pointer(PLACE)
    return pointer.live.version if pointer.live else None


@pytest.mark.slow
def test_what_the_running_service_refuses_stands_and_fails(packaged: Path) -> None:
    make_live(make_unloadable(packaged, "first"))
    make_live(make_release(packaged, "second"))
    with running_service():
        done = subprocess.run(ROLL_BACK, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert live() == "v1.0.0"
    _, line = done.stdout.splitlines()
    assert line.startswith("but the service goes on with v1.1.0: ")
    assert line.endswith("(v1.0.0 stays named; another: make rollback TO=VERSION WHY='...')")
    assert done.stderr == ""
