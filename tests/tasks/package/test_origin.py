"""The manifest tells the commit, and whether the code on disk was that commit."""

import datetime
import subprocess
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.package.origin import describe_origin

FILES = ("tasks/clean.py", "flows/flow.py", "params.yaml", "dvc.yaml", "README.md", "split/metrics")

DAYS = [datetime.datetime(2026, 1, day, tzinfo=datetime.UTC) for day in (1, 2, 3)]
TIMES = {"train": [DAYS[1], None], "validation": [DAYS[0]], "test": [DAYS[2]]}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    for name, times in TIMES.items():
        table = pa.table({"created_at": pa.array(times, pa.timestamp("us", tz="UTC"))})
        pq.write_table(table, tmp_path / f"split/{name}.parquet")
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


def test_what_was_learnt_from_is_counted_and_dated_without_the_test_split(project: Path) -> None:
    origin = describe_origin(Path("split"))
    assert (origin.num_examples, origin.newest) == (3, "2026-01-02T00:00:00+00:00")
    undated = pa.table({"created_at": pa.array([None], pa.timestamp("us", tz="UTC"))})
    for name in ("train", "validation"):
        pq.write_table(undated, project / f"split/{name}.parquet")
    origin = describe_origin(Path("split"))
    assert (origin.num_examples, origin.newest) == (2, None)


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
    [("tasks/clean.py", True), ("tasks/new.py", True), ("params.yaml", False), ("dvc.yaml", True),
     ("flows/flow.py", True), ("README.md", False), ("split/metrics", False)],
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
