"""Checkouts with runs in them: one to save from, and clones of a pushed one to restore into."""

import shutil
from pathlib import Path

import pytest

from flows.checkout.versions import push_run, save_run
from tests.flows.runs import Outs, add_remotes, enter, make_runs_checkout, outs_here, reproduce
from tests.project import run, try_run


@pytest.fixture(scope="session")
def runs_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_runs_checkout(tmp_path_factory.mktemp("runs") / "checkout")


@pytest.fixture
def checkout(runs_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    enter(shutil.copytree(runs_template, tmp_path / "checkout"), monkeypatch)
    return tmp_path / "checkout"


@pytest.fixture(scope="session")
def pushed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outs]:
    """Three runs of one checkout, the last one failed, pushed to remotes beside it."""
    folder = make_runs_checkout(tmp_path_factory.mktemp("runs") / "first")
    outs: Outs = {}
    with pytest.MonkeyPatch.context() as patch:
        enter(folder, patch)
        add_remotes(folder)
        for name, times in {"two": 2, "four": 4}.items():
            reproduce(times)
            outs[name] = outs_here()
            push_run(save_run(name, f"{name}: all good"), print)
        (folder / "dvc.lock").unlink()
        (folder / "params.yaml").write_text("repeat: {times: 9}\n")
        assert try_run(folder, ["dvc", "repro", "-q"]).returncode != 0
        shutil.rmtree("models")
        Path("data/evaluate/metrics.json").unlink()
        outs["failed"] = outs_here()
        push_run(save_run("failed", "evaluate failed: too long"), print)
    return folder, outs


@pytest.fixture
def clone(pushed: tuple[Path, Outs], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Fresh from the git remote, with a cache of its own."""
    for name in ("git", "remote"):
        shutil.copytree(pushed[0].parent / name, tmp_path / name)
    run(tmp_path, ["git", "clone", "-q", "git", "clone"])
    enter(tmp_path / "clone", monkeypatch)
    return tmp_path / "clone"


@pytest.fixture
def outs(pushed: tuple[Path, Outs]) -> Outs:
    return pushed[1]
