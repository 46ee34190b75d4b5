import os
from pathlib import Path

import pytest

from flows.checkout.git import git
from flows.checkout.versions import run_refs, save_run
from tasks.errors import InputError
from tests.flows.runs import (
    git_here,
    reproduce,
    set_times,
    shown_runs,
    users_side,
)
from tests.project import run, try_run

pytest_plugins = ["tests.flows.run_fixtures"]


def tree_of(commit: str) -> list[str]:
    return git_here("-c", "core.quotePath=false", "ls-tree", "-r", "--name-only", commit).split(
        "\n"
    )


def make_dirty() -> None:
    """Every state a file can have in git."""
    Path("README.md").write_text("staged\n")
    git_here("add", "README.md")
    Path("README.md").write_text("staged and then unstaged\n")
    set_times(3)
    git_here("mv", "notes.md", "renamed.md")
    Path("steps/evaluate.py").unlink()
    Path("steps/new ä.py").write_text("new\n")
    Path("steps/staged.py").write_text("new and staged\n")
    git_here("add", "steps/staged.py")
    Path("steps/staged.py").write_text("and changed again\n")
    Path("private.txt").write_text("none of the graph's business\n")
    Path("README.md").chmod(0o755)
    git_here("stash", "store", "-m", "mine", git_here("rev-parse", "HEAD").strip())


def test_a_dirty_checkout_is_saved_and_not_touched(checkout: Path) -> None:
    make_dirty()
    Path(".git/index.lock").touch()  # of a git that was killed
    before = users_side()
    saved = save_run("crimson-lynx", "all good")
    assert users_side() == before
    assert tree_of(saved.commit)[:-1] == [
        ".dvc/.gitignore", ".dvc/config", ".gitignore", "README.md", "data/raw/.gitignore",
        "data/raw/seed.txt.dvc", "dvc.yaml", "params.yaml", "renamed.md", "steps/new ä.py",
        "steps/repeat.py", "steps/staged.py",
    ]  # fmt: skip
    assert git_here("show", f"{saved.commit}:README.md") == "staged and then unstaged\n"
    assert git_here("show", f"{saved.commit}:steps/staged.py") == "and changed again\n"
    assert git_here("rev-parse", f"{saved.commit}^") == git_here("rev-parse", "HEAD")
    assert not (checkout / ".dvc/tmp/flywheel/index").exists()


def test_a_file_that_became_a_folder_is_saved_as_one(checkout: Path) -> None:
    Path("notes.md").unlink()
    Path("notes.md").mkdir()
    Path("notes.md/inner.txt").write_text("x")
    git_here("add", "notes.md/inner.txt")
    assert "notes.md/inner.txt" in tree_of(save_run("folder", "").commit)


@pytest.mark.slow
def test_dvc_shows_runs_with_params_and_metrics(checkout: Path) -> None:
    for times in (2, 4):
        reproduce(times)
        save_run(f"times-{times}", "all good")
    set_times(2)
    git_here("checkout", "params.yaml")
    scores = {
        times: {"macro_f1": times * 6 / 100, "weighted_f1": times * 6 / 50} for times in (2, 4)
    }
    assert shown_runs() == {
        f"times-{times}": {
            "params": {"repeat": {"times": times}}, "metrics": {"evaluate": scores[times]}
        }
        for times in (2, 4)
    }  # fmt: skip
    table = run(checkout, ["dvc", "exp", "show", "--csv"]).stdout
    assert "times-4" in table
    assert "0.24" in table
    run(checkout, ["dvc", "exp", "apply", "times-4"])
    assert Path("models/evaluate/model.txt").read_text() == "model 24"


@pytest.mark.slow
def test_a_failed_run_is_saved_up_to_the_stage_that_failed(checkout: Path) -> None:
    set_times(9)
    assert try_run(checkout, ["dvc", "repro", "-q"]).returncode != 0
    saved = save_run("failed", "evaluate failed")
    lock = git_here("show", f"{saved.commit}:dvc.lock")
    assert "data/repeat/all.txt" in lock
    assert "models/evaluate" not in lock
    assert shown_runs()["failed"]["params"] == {"repeat": {"times": 9}}


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("crimson-lynx", "crimson-lynx"),
        ("nightly run / 2026..11~^:?*[\\", "nightly-run-2026-11"),
        ("ночной", "ночной"),
        ("", "run"),
        ("@{1}", "1"),
        ("-rf", "rf"),
        ("a.lock", "a"),
        ("a.lock!", "a"),
        ("a.lock.lock-.", "a"),
        (".lock", "lock"),
        ("x" * 55 + ".lock-and-more", "x" * 55),
        ("cafe", "run-cafe"),  # git would take it for a commit
        ("HEAD", "HEAD-2"),
        ("main", "main-2"),
        ("x" * 300, "x" * 60),
        ("two\nlines\udcff", "two-lines"),
    ],
)  # fmt: skip
def test_any_name_of_a_flow_run_becomes_one_that_git_takes(
    checkout: Path, asked: str, given: str
) -> None:
    saved = save_run(asked, "all good")
    assert saved.name == given
    head = git_here("rev-parse", "HEAD").strip()
    assert run_refs() == {f"refs/exps/{head[:2]}/{head[2:]}/{given}": saved.commit}


def test_a_name_is_given_once_whatever_the_branch_has_become(checkout: Path) -> None:
    first = save_run("lynx", "")
    second = save_run("lynx", "")
    git_here("-c", "user.name=a", "-c", "user.email=b", "commit", "-q", "--allow-empty", "-m", "on")
    third = save_run("lynx", "")
    assert [first.name, second.name, third.name] == ["lynx", "lynx-2", "lynx-3"]
    assert len({first.commit, second.commit, third.commit}) == 3


def test_neither_hooks_nor_signing_nor_a_missing_identity_matter(checkout: Path) -> None:
    hooks = Path(".git/hooks")
    for name in ("reference-transaction", "commit-msg", "pre-commit", "post-index-change"):
        (hooks / name).write_text("#!/bin/sh\nexit 1\n")
        (hooks / name).chmod(0o755)
    with Path(".git/config").open("a") as config:
        config.write("[commit]\n gpgSign = true\n[gpg]\n program = false\n")
    saved = save_run("lynx", "all good")
    form = "%an <%ae> %cn <%ce>"
    neutral = "flywheel <flywheel@localhost>"
    assert git("log", "-1", f"--format={form}", saved.commit) == f"{neutral} {neutral}\n"


def test_the_persons_own_identity_is_used(checkout: Path) -> None:
    git_here("config", "user.name", "Ada")
    git_here("config", "user.email", "ada@example.org")
    assert (
        git("log", "-1", "--format=%an %ce", save_run("lynx", "").commit) == "Ada ada@example.org\n"
    )


def test_detached_heads_and_worktrees_are_checkouts_as_well(checkout: Path, tmp_path: Path) -> None:
    git_here("checkout", "-q", "--detach")
    detached = save_run("lynx", "")
    git_here("worktree", "add", "-q", str(tmp_path / "other"))
    os.chdir(tmp_path / "other")
    set_times(7)
    before = users_side()
    other = save_run("lynx", "")
    assert users_side() == before
    assert (detached.name, other.name) == ("lynx", "lynx-2")
    assert "times: 7" in git_here("show", f"{other.commit}:params.yaml")


def test_where_there_is_nothing_to_build_on_one_line_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(InputError, match="not a git repository"):
        save_run("lynx", "")
    git_here("init", "-q")
    with pytest.raises(InputError, match=r"no commit here yet.* git commit -m start") as caught:
        save_run("lynx", "")
    assert "\n" not in str(caught.value)
