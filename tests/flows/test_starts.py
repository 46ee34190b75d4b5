"""Runs and the user's checkout: params lent, results kept, starts one after another."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chain import chain, diamond, make_checkout, write_graph
from tests.flows.last_run import FLYWHEEL, last_run
from tests.project import environment, run, try_run

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server")]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return make_checkout(tmp_path / "checkout", diamond())


def test_overrides_count_for_one_run_and_leave_the_file_alone(checkout: Path) -> None:
    params = checkout / "params.yaml"
    mine = params.read_text() + "# my own remark\n"
    params.write_text(mine)
    run(checkout, [*FLYWHEEL, "--override", "shout.word=changed"])
    assert params.read_text() == mine
    assert yaml.safe_load((checkout / "dvc.lock").read_text())["stages"]["left"]["params"] == {
        "params.yaml": {"shout": {"word": "changed"}}
    }
    flow_run, _ = last_run()
    assert kept(checkout)[flow_run.name] == "changed"


def kept(checkout: Path) -> dict[str, str]:
    """Param `shout.word` of each experiment by name, as `dvc exp show` has it."""
    shown: list[dict[str, Any]] = json.loads(run(checkout, ["dvc", "exp", "show", "--json"]).stdout)
    revisions = [
        revision
        for baseline in shown
        for experiment in baseline.get("experiments") or []
        for revision in experiment["revs"]
    ]
    return {
        revision["name"]: revision["data"]["params"]["params.yaml"]["data"]["shout"]["word"]
        for revision in revisions
    }


def test_failed_runs_are_kept_too_under_their_names(checkout: Path) -> None:
    run(checkout, FLYWHEEL)
    first = last_run()[0].name
    stages = diamond()
    stages["join"]["cmd"] = "exit 1"
    write_graph(checkout, stages)
    try_run(checkout, FLYWHEEL)
    assert set(kept(checkout)) == {first, last_run()[0].name}


def test_two_starts_in_one_checkout_follow_one_another(tmp_path: Path) -> None:
    stages = chain(2)
    for stage in stages.values():  # a second run at the same time would find the first one's folder
        stage["cmd"] = f"mkdir busy && sleep 2 && {stage['cmd']} && rmdir busy"
    checkout = make_checkout(tmp_path / "checkout", stages)
    commands = [FLYWHEEL, FLYWHEEL, ["python", "-m", "flows.reproduce"]]
    starts = [
        subprocess.Popen(
            [*command, "--force"], cwd=checkout, env=environment(), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        for command in commands
    ]  # fmt: skip
    texts = [start.communicate(timeout=200)[0] for start in starts]
    assert [start.returncode for start in starts] == [0, 0, 0], "\n".join(texts)
    waited = [text for text in texts if "waiting for this checkout: in use by" in text]
    assert len(waited) == 2


def test_a_run_needs_a_commit_to_be_kept_beside(checkout: Path) -> None:
    run(checkout, ["git", "update-ref", "-d", "HEAD"])
    result = try_run(checkout, FLYWHEEL)
    assert result.returncode == 1
    assert "git has no commit here yet" in result.stdout
    assert not (checkout / "dvc.lock").exists()


def test_the_users_git_and_edits_are_as_they_were(checkout: Path) -> None:
    (checkout / "staged.txt").write_text("staged")
    run(checkout, ["git", "add", "staged.txt"])
    (checkout / "untracked.txt").write_text("untracked")
    (checkout / "prefect.yaml").write_text("# edited\n")
    (checkout / ".dvcignore").unlink()

    def mine() -> dict[str, Any]:
        commands = ["git status --porcelain -- . :!dvc.lock", "git diff", "git diff --cached",
                    "git rev-parse HEAD", "git symbolic-ref HEAD", "git stash list"]  # fmt: skip
        index = (checkout / ".git/index").read_bytes()
        return {"index": index} | {text: run(checkout, text.split()).stdout for text in commands}

    before = mine()
    run(checkout, FLYWHEEL)
    assert mine() == before
