"""The manifest tells the commit, and whether the code on disk was that commit."""

import subprocess
from pathlib import Path

import pytest

from tasks.package.origin import describe_origin

FILES = ("tasks/clean.py", "flows/flow.py", "params.yaml", "dvc.yaml", "split/train.parquet",
         "split/validation.parquet", "split/test.parquet", "README.md")  # fmt: skip


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):  # set where git hooks run tests
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def git(*arguments: str) -> str:
    identity = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org"]
    done = subprocess.run(
        ["git", *identity, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_outside_a_repository_there_is_no_commit(project: Path) -> None:
    origin = describe_origin(Path("split"))
    assert (origin.commit, origin.uncommitted_changes) == (None, None)
    assert sorted(origin.data) == ["test", "train", "validation"]


def test_before_the_first_commit_there_is_none(project: Path) -> None:
    git("init")
    origin = describe_origin(Path("split"))
    assert (origin.commit, origin.uncommitted_changes) == (None, None)


def test_without_git_there_is_no_commit(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git("init")
    monkeypatch.setenv("PATH", str(project))
    assert describe_origin(Path("split")).commit is None


@pytest.mark.parametrize(
    ("changed", "counts"),
    [("tasks/clean.py", True), ("tasks/new.py", True), ("params.yaml", True), ("dvc.yaml", True),
     ("flows/flow.py", True), ("README.md", False), ("split/test.parquet", False)],
)  # fmt: skip
def test_uncommitted_changes_of_code_and_params_count_and_no_others(
    project: Path, changed: str, counts: bool
) -> None:
    git("init")
    git("add", ".")
    git("commit", "-m", "all")
    origin = describe_origin(Path("split"))
    assert origin.commit == git("rev-parse", "HEAD")
    assert origin.uncommitted_changes is False
    (project / changed).write_text("changed")
    assert describe_origin(Path("split")).uncommitted_changes is counts
