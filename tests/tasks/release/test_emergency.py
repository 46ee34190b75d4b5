"""A rollback where other things fail, too: it is done, or one line says why not and what helps."""

import os
import resource
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tasks.errors import InputError, TemporaryError
from tasks.release.adopt import Candidate, adopt
from tasks.release.change import find_user
from tasks.release.rollback import roll_back
from tasks.releases import read_pointer
from tests.project import REPOSITORY
from tests.tasks.namespaces import in_namespace
from tests.tasks.release.side import (
    PLACE,
    make_bundle,
    make_live,
    make_release,
    make_unloadable,
    running_service,
    write_verdict,
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


@pytest.mark.parametrize("why", ["", " \n"])
def test_without_a_reason_the_line_shows_the_command_that_has_one(packaged: Path, why: str) -> None:
    for name in ("first", "second"):
        make_live(make_release(packaged, name))
    with pytest.raises(InputError, match=r"keeps why\. make rollback WHY='what is wrong'$"):
        roll_back(PLACE, None, ("bob", why), 5)
    with pytest.raises(InputError, match=r"make rollback TO=v1\.0\.0 WHY='what is wrong'$"):
        roll_back(PLACE, "v1.0.0", ("bob", why), 5)
    assert live() == "v1.1.0"


def test_packages_that_are_there_are_not_renewed_first() -> None:
    for file in ("requirements.lock", "requirements.in"):
        Path(file).touch()
    assert "venv --clear" in would_run()
    Path(".venv/bin").mkdir(parents=True)
    Path(".venv/bin/python").touch()
    assert would_run() == 'python -m flows.rollback_now  --why "$WHY"\n'


def would_run() -> str:
    command = ["make", "--dry-run", "--makefile", str(MAKEFILE), "rollback", "WHY=odd"]
    inherited = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}  # of the make that runs the tests
    environment = {key: value for key, value in os.environ.items() if key not in inherited}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return done.stdout


@pytest.mark.parametrize(
    ("disk", "says"),
    [
        ("mount --bind live live && mount -o remount,bind,ro live", "Read-only file system"),
        ("mount -t tmpfs -o size=4m none full && cp -a live full && cd full && "
         "cp ../params.yaml . && { dd if=/dev/zero of=fill bs=4k 2>/dev/null; true; }",
         "No space left on device"),
    ],
)  # fmt: skip
def test_a_disk_that_takes_nothing_is_one_line(packaged: Path, disk: str, says: str) -> None:
    for name in ("first", "second"):
        make_live(make_release(packaged, name))
    Path("full").mkdir()
    done = in_namespace(f"{disk} && {shlex.join(ROLL_BACK)}", Path())
    assert done.returncode == 75, done.stderr
    assert done.stderr.startswith("release failed: live: ")
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert live() == "v1.1.0"


def test_a_candidate_that_finds_no_room_is_one_line(packaged: Path) -> None:
    bundle = make_bundle(packaged, "first")
    candidate = Candidate(bundle, write_verdict(bundle, None), [], "first", "d" * 40)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(TemporaryError, match=r"^live: \[Errno 27\] File too la.*Make room"):
            adopt(PLACE, candidate, "minor", [], 5.0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_who_has_no_name_on_this_machine_has_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 4_242_424)
    assert find_user() == "user 4242424"
