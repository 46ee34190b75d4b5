from pathlib import Path

import pytest

from flows.checkout.versions import save_run
from flows.restore import main, restore_run
from tasks.errors import InputError
from tests.flows.runs import (
    Outs,
    files_here,
    git_here,
    outs_here,
    reproduce,
    users_side,
)
from tests.project import run

pytestmark = pytest.mark.slow
pytest_plugins = ["tests.flows.run_fixtures"]


def test_edits_are_named_and_nothing_is_changed(clone: Path) -> None:
    Path("steps/repeat.py").write_text("my work\n")
    Path("README.md").write_text("staged\n")
    git_here("add", "README.md")
    before = users_side()
    with pytest.raises(
        InputError, match=r"edits: README.md, steps/repeat.py\. Nothing was changed"
    ):
        restore_run("two", print)
    assert users_side() == before
    assert main(["two"]) == 1


def test_an_edit_of_a_restored_file_is_an_edit(clone: Path) -> None:
    restore_run("two", print)
    restore_run("four", print)
    Path("params.yaml").write_text("repeat: {times: 5}\n")
    with pytest.raises(InputError, match=r"uncommitted edits: params.yaml"):
        restore_run("two", print)
    assert Path("params.yaml").read_text() == "repeat: {times: 5}\n"


def test_an_untracked_lock_of_no_run_is_kept_as_one(clone: Path, outs: Outs) -> None:
    reproduce_here = run(clone, ["dvc", "pull", "-q", "data/raw/seed.txt.dvc"]).returncode
    assert reproduce_here == 0
    Path("steps/extra.py").write_text("# nothing that any run has\n")
    run(clone, ["dvc", "repro", "-q"])
    mine = files_here()
    said: list[str] = []
    restore_run("four", said.append)
    assert outs_here() == outs["four"]
    way_back = said[-1].split("RUN=")[1]
    assert any(f"dvc.lock, as found here: kept as run {way_back}" in line for line in said)
    assert Path("steps/extra.py").exists()  # in no run's way
    restore_run(way_back, said.append)
    assert files_here() == mine


def test_files_that_only_one_run_has_come_and_go_with_it(clone: Path) -> None:
    run(clone, ["dvc", "pull", "-q", "data/raw/seed.txt.dvc"])
    reproduce(2)
    git_here("checkout", "params.yaml")
    save_run("plain", "")
    Path("steps/deep").mkdir()
    Path("steps/deep/more.py").write_text("more\n")
    Path("notes.md").unlink()
    save_run("special", "")
    for _ in range(2):
        git_here("checkout", "notes.md")
        restore_run("special", print)
        assert (Path("steps/deep/more.py").read_text(), Path("notes.md").exists()) == (
            "more\n",
            False,
        )
        restore_run("plain", print)
        assert (Path("steps/deep").exists(), Path("notes.md").exists()) == (False, True)
    Path("steps/deep").mkdir()
    Path("steps/deep/more.py").write_text("mine, and in the way\n")
    said: list[str] = []
    restore_run("special", said.append)
    kept = said[0].rsplit(" ", 1)[1]
    assert git_here("show", git_here("for-each-ref", f"refs/exps/**/{kept}").split()[0]
                    + ":steps/deep/more.py") == "mine, and in the way\n"  # fmt: skip
