"""Killed at any write, sync, rename or removal: one whole version is live, and the next works."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.release.promotion import promote
from tasks.release.rollback import roll_back
from tasks.releases import Place, Pointer, find_bundle, list_versions, read_history, read_pointer
from tests.tasks.namespaces import leave_untested
from tests.tasks.release import side
from tests.tasks.release.side import make_live, make_release, order, params

WRITING = "write,pwrite64,writev,fsync,fdatasync,rename,renameat,renameat2,unlink,rmdir"
PROMOTE = """
from tasks.release import promotion
from tests.tasks.release.side import PLACE, order, params
with promotion.begun(PLACE, params(), order("v1.1.0"), lambda line: None) as proven:
    promotion.swap(proven)
"""
ROLL_BACK = """
from tasks.release.rollback import roll_back
from tests.tasks.release.side import PLACE
roll_back(PLACE, "v1.0.0", ("bob", "odd"), 5)
"""
ADOPT = """
from pathlib import Path
from tasks.release.adopt import Candidate, adopt
from tests.tasks.release.side import COMMIT, PLACE
bundle = Path("candidates/second/bundle")
candidate = Candidate(bundle, bundle.parent / "verdict.json", [], "second", COMMIT)
adopt(PLACE, candidate, "minor", [], 5)
"""


@pytest.fixture
def start(packaged: Path, folder: Path) -> Path:
    """v1.0.0 is live, v1.1.0 waits."""
    first = make_release(packaged, "first")
    make_live(first)
    make_release(packaged, "second", champion=first)
    return folder


def watched(program: str, folder: Path, *options: str) -> tuple[int, Counter[str]]:
    """Run it there under strace, which looks at its own folder alone; exit code, calls by kind."""
    if not shutil.which("strace"):
        leave_untested("strace is not installed")
    log = folder.with_suffix(".strace")
    names = touched(Path("live"))  # as calls name them, and as descriptors do
    paths = [word for path in [*names, *(folder / name for name in names)] for word in ("-P", path)]
    trace = ["-o", str(log), "-e", f"trace={WRITING}", *paths]
    done = subprocess.run(
        ["strace", "-qq", *trace, *options, sys.executable, "-c", program],
        cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(side.REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    if "ptrace" in done.stderr:
        leave_untested(f"strace may not watch processes here: {done.stderr.strip()}")
    return done.returncode, Counter(re.findall(r"^(\w+)\(", log.read_text(), re.MULTILINE))


def touched(live: Path) -> list[Path]:
    """Whatever a change can write: names that are, and those that come to be."""
    names = ["pointer.json", ".pointer.json.new", "history.jsonl", ".history.jsonl.new", "releases"]
    release = [live / "releases/v1.1.0", live / "releases/.v1.1.0.new"]
    files = ["release.json", "verdict.json", "bundle", "bundle/model.onnx", "bundle/manifest.json"]
    return [live, *(live / name for name in names), *release, *(release[1] / one for one in files)]


def kill_everywhere(
    program: str, start: Path, look: Callable[[Path], object], least: set[str]
) -> Counter[object]:
    """A copy of `start` for each call that `program` makes, killed there; what `look` then sees."""
    whole = shutil.copytree(start, start.with_name(f"{start.name}-whole"))
    exit_code, calls = watched(program, whole)
    assert exit_code == 0
    assert least <= set(calls)
    points = [(call, number) for call in calls for number in range(1, calls[call] + 1)]
    found = Counter[object]()
    for call, number in points:
        copy = shutil.copytree(start, start.with_name(f"{start.name}-{call}-{number}"))
        code, _ = watched(program, copy, "-e", f"inject={call}:signal=SIGKILL:when={number}")
        assert code in (-signal.SIGKILL, 128 + signal.SIGKILL), (call, number)
        found[look(copy)] += 1
    return found


def pointer_of(folder: Path) -> Pointer:
    """What a service would read now: whole, and of a bundle that is whole."""
    pointer = read_pointer(Place(folder / "live"))
    assert pointer.live
    assert find_bundle(Place(folder / "live"), pointer.live)
    return pointer


@pytest.mark.slow
def test_a_promotion_killed_anywhere_leaves_one_version_live_and_can_be_repeated(
    start: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(folder: Path) -> object:
        pointer = pointer_of(folder)
        monkeypatch.chdir(folder)
        promote(side.PLACE, params(), order("v1.1.0"), print)
        history = read_history(side.PLACE)
        assert [change.to_version for change in history] == ["v1.0.0", "v1.1.0"]
        assert pointer_of(folder).previous
        roll_back(side.PLACE, None, ("bob", "odd"), 5)
        lines = side.PLACE.history.read_text().splitlines()
        assert [json.loads(line)["number"] for line in lines] == [1, 2, 3]
        assert pointer.live
        return pointer.live.version

    found = kill_everywhere(PROMOTE, start, look, {"write", "fsync", "rename"})
    assert set(found) == {"v1.0.0", "v1.1.0"}


@pytest.mark.slow
def test_a_rollback_killed_anywhere_leaves_one_version_live_and_can_be_repeated(
    start: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(start)
    promote(side.PLACE, params(), order("v1.1.0"), print)

    def look(folder: Path) -> object:
        pointer = pointer_of(folder)
        monkeypatch.chdir(folder)
        roll_back(side.PLACE, "v1.0.0", ("bob", "again"), 5)
        history = read_history(side.PLACE)
        assert [change.number for change in history] == list(range(1, len(history) + 1))
        assert pointer.live
        return pointer.live.version

    found = kill_everywhere(ROLL_BACK, start, look, {"write", "fsync", "rename"})
    assert set(found) == {"v1.0.0", "v1.1.0"}


@pytest.mark.slow
def test_a_release_killed_while_it_is_made_is_whole_or_not_there(
    packaged: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_live(make_release(packaged, "first"))
    bundle = side.make_bundle(packaged, "second")
    side.write_verdict(bundle, None)

    def look(killed: Path) -> object:
        monkeypatch.chdir(killed)
        versions = tuple(list_versions(side.PLACE))
        side.adopt(
            side.PLACE,
            side.Candidate(
                killed / "candidates/second/bundle",
                killed / "candidates/second/verdict.json", [], "second", side.COMMIT,
            ),
            "minor", [], 5.0,
        )  # fmt: skip
        assert list_versions(side.PLACE) == ["v1.0.0", "v1.1.0"]
        assert {path.name for path in side.PLACE.releases.iterdir()} == {"v1.0.0", "v1.1.0"}
        promote(side.PLACE, params(), order("v1.1.0", despite_verdict=True), print)
        return versions

    found = kill_everywhere(ADOPT, folder, look, {"write", "fsync", "rename"})
    assert set(found) == {("v1.0.0",), ("v1.0.0", "v1.1.0")}
