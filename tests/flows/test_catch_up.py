"""A fresh clone has the corrections of the newest run, and nothing of that to compute again."""

from pathlib import Path

import pytest

from tests.chain import make_checkout
from tests.flows.nights import FEEDBACK, LEARN, add_partition
from tests.project import run

pytestmark = pytest.mark.slow
SAVE = "from flows.checkout.versions import save_run; save_run('night', 'night: all good')"
NAMES = [f"{FEEDBACK}/accepted.dvc", f"{FEEDBACK}/quarantined.dvc"]


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """A night's run is kept and its data are pushed; nothing of it is on the branch."""
    folder = make_checkout(tmp_path / "first", {"learn": LEARN})
    add_partition(folder / FEEDBACK / "accepted", 3)
    add_partition(folder / FEEDBACK / "quarantined", 2)
    run(folder, ["dvc", "add", "-q", *(name.removesuffix(".dvc") for name in NAMES)])
    run(folder, ["dvc", "repro", "-q"])
    run(folder, ["python", "-c", SAVE])
    run(folder, ["dvc", "push", "-q"])
    return folder


def clone_of(first: Path) -> Path:
    clone = first.with_name("clone")
    run(first, ["git", "clone", "-q", str(first), str(clone)])
    assert not list((clone / FEEDBACK).glob("*.dvc"))
    return clone


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in (folder / FEEDBACK).rglob("*")
        if file.is_file()
    }


def test_corrections_of_the_newest_run_come_with_it(first: Path) -> None:
    clone = clone_of(first)
    said = run(clone, ["python", "-m", "flows.catch_up"]).stdout
    assert "going on from run" in said
    assert contents(clone) == contents(first)
    assert len(list((clone / FEEDBACK / "accepted").glob("*.parquet"))) == 1
    assert "up to date" in run(clone, ["dvc", "repro"]).stdout
    add_partition(clone / FEEDBACK / "accepted", 4)
    run(clone, ["dvc", "add", "-q", NAMES[0].removesuffix(".dvc")])
    run(clone, ["dvc", "repro", "-q"])
    assert (clone / "data/learn/out.txt").read_text().count("num_events") == 2


def test_what_a_person_has_committed_since_counts(first: Path) -> None:
    later = "GIT_COMMITTER_DATE=2099-01-01T00:00:00Z"
    run(first, ["env", later, "git", "commit", "-q", "--allow-empty", "-m", "start anew"])
    clone = clone_of(first)
    assert "going on" not in run(clone, ["python", "-m", "flows.catch_up"]).stdout
    assert not list((clone / FEEDBACK).glob("*.dvc"))
