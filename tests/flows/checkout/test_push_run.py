import subprocess
from pathlib import Path

import pytest

from flows.checkout.git import GitError
from flows.checkout.past_runs import fetch_runs
from flows.checkout.remote_tags import fetch_tags
from flows.checkout.versions import push_run, save_run
from tasks.errors import TemporaryError
from tests.flows.runs import (
    add_remotes,
    git_here,
    reproduce,
    users_side,
)
from tests.project import run

pytest_plugins = ["tests.flows.run_fixtures"]


def test_without_remotes_nothing_is_pushed(checkout: Path) -> None:
    said: list[str] = []
    push_run(save_run("lynx", ""), said.append)
    assert said == []


def test_a_token_in_a_remotes_url_is_never_shown(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = "artifacts: {classifier: {path: models, type: model}}\n"
    Path("dvc.yaml").write_text(Path("dvc.yaml").read_text() + model)
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("DVC_EXP_GIT_REMOTE", "https://bot:s3cr@qwerty@127.0.0.1:9/o/r.git")
    said: list[str] = []
    with pytest.raises(TemporaryError) as pushed:
        push_run(save_run("lynx", ""), said.append, [0.01])
    with pytest.raises(GitError) as fetched:
        fetch_runs(said.append)
    fetch_tags(said.append)
    shown = [*said, str(pushed.value), str(fetched.value)]
    assert not [line for line in shown if "bot" in line or "s3cr" in line or "qwerty" in line]
    assert [line for line in shown if "https://***@127.0.0.1:9/o/r.git" in line] == shown


@pytest.mark.slow
def test_data_and_commit_are_pushed_where_remotes_are_set(checkout: Path) -> None:
    add_remotes(checkout)
    reproduce(2)
    before = users_side()
    saved = save_run("lynx", "all good")
    push_run(saved, print)
    push_run(saved, print)  # harmless
    assert users_side() == before
    assert saved.commit in git_here("ls-remote", "origin", "refs/exps/*")
    assert "lynx" in run(checkout, ["dvc", "exp", "list", "origin"]).stdout
    cached = {path.name for path in Path(".dvc/cache/files").rglob("*") if path.is_file()}
    pushed = {path.name for path in Path("../remote/files").rglob("*") if path.is_file()}
    assert cached == pushed


@pytest.mark.slow
def test_a_failed_push_is_tried_again_and_then_told(checkout: Path) -> None:
    add_remotes(checkout)
    saved = save_run("lynx", "all good")
    Path("../git").rename("../away")
    said: list[str] = []
    with pytest.raises(
        TemporaryError, match=r"^remote origin: not pushed in 3 tries: .*git"
    ) as error:
        push_run(saved, said.append, [0.01, 0.02])
    assert [line.rsplit("; ", 1)[1] for line in said] == [
        "trying again in 0.01 s", "trying again in 0.02 s"
    ]  # fmt: skip
    assert "\n" not in str(error.value)
    Path("../away").rename("../git")
    by_hand = str(error.value).split("by hand: ")[1]
    subprocess.run(by_hand.split(), check=True, capture_output=True)
    assert saved.commit in git_here("ls-remote", "origin", "refs/exps/*")


@pytest.mark.slow
def test_a_remote_that_comes_back_in_time_gets_it_all(checkout: Path) -> None:
    add_remotes(checkout)
    reproduce(2)
    saved = save_run("lynx", "all good")
    Path("../remote").write_text("a file where the folder should be")
    push_run(saved, lambda line: Path("../remote").unlink(missing_ok=True), [0.01])
    assert [path for path in Path("../remote").rglob("*") if path.is_file()]
    assert saved.commit in git_here("ls-remote", "origin", "refs/exps/*")
