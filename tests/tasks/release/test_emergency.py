"""A rollback where other things fail, too: it is done, or one line says why not and what helps."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tasks.releases import read_pointer
from tests.project import REPOSITORY
from tests.tasks.release.side import (
    PLACE,
    make_live,
    make_release,
    make_unloadable,
    running_service,
)

MAKEFILE = REPOSITORY / "Makefile"
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


@pytest.mark.parametrize("params", [None, "{", yaml.safe_dump({"release": {"bump": "huge"}})])
def test_params_that_cannot_be_read_are_said_and_stand_in_nobodys_way(
    packaged: Path, params: str | None
) -> None:
    for name in ("first", "second"):
        make_live(make_release(packaged, name))
    Path("params.yaml").unlink()
    if params:
        Path("params.yaml").write_text(params)
    done = subprocess.run(ROLL_BACK, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("waits 10 s at most, since params cannot say: params.yaml: ")
    assert len(done.stdout.splitlines()) == 3
    assert live() == "v1.0.0"


def test_packages_that_are_there_are_not_renewed_first() -> None:
    dry = ["make", "--dry-run", "--makefile", str(MAKEFILE), "rollback", "WHY=odd"]
    for file in ("requirements.lock", "requirements.in"):
        Path(file).touch()
    assert "venv --clear" in subprocess.run(dry, check=True, capture_output=True, text=True).stdout
    Path(".venv/bin").mkdir(parents=True)
    Path(".venv/bin/python").touch()
    done = subprocess.run(dry, check=True, capture_output=True, text=True)
    assert done.stdout == 'python -m flows.rollback_now  --why "$WHY"\n'
