"""A project that is a subfolder of a larger git repository keeps and restores its runs."""

import shutil
from pathlib import Path

import pytest

from flows.checkout.versions import save_run
from flows.checkout.worktree import bring_files
from flows.restore import restore_run
from tasks.errors import InputError
from tests.flows.runs import enter, git_here, outs_here, reproduce, users_side
from tests.project import run

pytest_plugins = ["tests.flows.run_fixtures"]


@pytest.fixture
def project(runs_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """In `some ä/project`, with a neighbour of the same layout at the root."""
    folder = tmp_path / "mono/some ä/project"
    shutil.copytree(runs_template, folder, ignore=shutil.ignore_patterns(".git"))
    run(tmp_path / "mono", ["git", "init", "-q", "-b", "main"])
    run(folder, ["dvc", "init", "-q", "--subdir", "--force"])
    (tmp_path / "mono/params.yaml").write_text("the neighbour's\n")
    run(tmp_path / "mono", ["git", "add", "-A"])
    run(tmp_path / "mono", ["git", "commit", "-qm", "start"])
    enter(folder, monkeypatch)
    return folder


def commit(message: str) -> None:
    git_here("add", "-A", ".")
    git_here("-c", "user.name=a", "-c", "user.email=b", "commit", "-qm", message)


@pytest.mark.usefixtures("project")
def test_uncommitted_work_is_refused_and_stays() -> None:
    saved = save_run("first", "all good")
    Path("steps/more.py").write_text("committed\n")
    commit("more")
    Path("steps/more.py").write_text("my uncommitted work\n")
    Path("params.yaml").write_text("repeat: {times: 5}\n")
    before = users_side()
    with pytest.raises(InputError, match=r"uncommitted edits: params.yaml, steps/more.py"):
        bring_files(saved.commit, "first", print)
    assert users_side() == before


def test_untracked_work_in_the_way_is_kept_as_a_run(project: Path) -> None:
    Path("steps/extra.py").write_text("the run's\n")
    Path("steps/staged.py").write_text("the run's, staged\n")
    git_here("add", "steps/staged.py")
    saved = save_run("first", "all good")
    git_here("rm", "-q", "--cached", "steps/staged.py")
    for name in ("extra", "staged"):
        Path(f"steps/{name}.py").write_text("mine\n")
    kept = bring_files(saved.commit, "first", print)
    assert kept
    assert Path("steps/extra.py").read_text() == "the run's\n"
    assert Path("steps/staged.py").read_text() == "the run's, staged\n"
    (ref,) = git_here("for-each-ref", "--format=%(refname)", f"refs/exps/**/{kept}").split()
    assert git_here("show", f"{ref}:./steps/extra.py") == "mine\n"
    assert (project.parents[1] / "params.yaml").read_text() == "the neighbour's\n"


@pytest.mark.slow
def test_runs_come_back_with_their_data(project: Path) -> None:
    made = {}
    for name, times in {"two": 2, "four": 4}.items():
        reproduce(times)
        made[name] = outs_here()
        save_run(name, "all good")
    git_here("checkout", "-q", "params.yaml")
    for name in ("two", "four"):
        said: list[str] = []
        restore_run(name, said.append)
        assert outs_here() == made[name]
        assert "before-restore" not in said[-1]  # their locks are kept in the runs themselves
    assert (project.parents[1] / "params.yaml").read_text() == "the neighbour's\n"
