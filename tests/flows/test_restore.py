import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from flows.checkout.lock import checkout_lock
from flows.checkout.versions import push_run, save_run
from flows.restore import restore_run
from tasks.errors import InputError
from tests.flows.checkout.chain import flip_a_bit
from tests.flows.runs import (
    Outs,
    enter,
    git_here,
    outs_here,
    reproduce,
    users_side,
)
from tests.project import environment, make_project, run

pytestmark = pytest.mark.slow
pytest_plugins = ["tests.flows.run_fixtures"]


def status() -> str:
    return run(Path(), ["dvc", "status"]).stdout.strip()


def test_the_first_run_comes_back_in_a_clean_clone(clone: Path, outs: Outs) -> None:
    before = users_side()
    said: list[str] = []
    restore_run("two", said.append)
    assert outs_here() == outs["two"]
    assert status() == "Data and pipelines are up to date."
    assert {"repeat: ok md5 (2)", "evaluate: ok md5 (2)", "data/raw/seed.txt.dvc: ok md5 (1)"} <= {
        *said
    }
    after = users_side()
    assert [key for key in before if before[key] != after[key]] == ["files", "modes"]
    restore_run("four", said.append)  # from one run to another, nothing between
    assert outs_here() == outs["four"]
    assert Path("params.yaml").read_text() == "repeat:\n  times: 4  # how often\n"
    assert "before-restore" not in git_here("for-each-ref", "refs/exps")


def test_a_failed_run_comes_back_as_far_as_it_went(clone: Path, outs: Outs) -> None:
    restore_run("four", print)
    said: list[str] = []
    restore_run("failed", said.append)
    assert outs_here() == outs["failed"]
    assert "evaluate: not done in this run" in said


def test_outputs_changed_by_hand_are_moved_aside(clone: Path, outs: Outs) -> None:
    restore_run("two", print)
    Path("data/repeat/all.txt").write_text("by hand")
    Path("data/raw/seed.txt").write_text("raw by hand")
    restore_run("four", print)
    kept = {path.name: path.read_text() for path in Path("data/.rescued").rglob("*.txt")}
    assert kept == {"all.txt": "by hand", "seed.txt": "raw by hand"}
    shutil.rmtree("data/.rescued")
    assert outs_here() == outs["four"]


def test_outputs_with_options_come_back_also_without_dvcs_cache(checkout: Path) -> None:
    graph = yaml.safe_load(Path("dvc.yaml").read_text())
    graph["stages"]["repeat"]["outs"][1] = {"data/repeat/all.txt": {"persist": True}}
    graph["stages"]["evaluate"]["outs"] = [{"models/evaluate/model.txt": {"cache": False}}]
    Path("dvc.yaml").write_text(yaml.safe_dump(graph))
    run(checkout, ["git", "commit", "-qam", "options"])
    made = {}
    for name, times in {"two": 2, "four": 4}.items():
        reproduce(times)
        made[name] = outs_here()
        save_run(name, "all good")
    git_here("checkout", "-q", "params.yaml")
    Path("models/evaluate/model.txt").write_text("by hand")
    said: list[str] = []
    for name in ("two", "four"):
        restore_run(name, said.append)
        assert outs_here() == made[name]
    kept = next(line for line in said if line.startswith("restored two")).split("RUN=")[1]
    (ref,) = git_here("for-each-ref", "--format=%(refname)", f"refs/exps/**/{kept}").split()
    assert git_here("show", f"{ref}:models/evaluate/model.txt") == "by hand"


def test_a_damaged_copy_is_found_by_its_hash(clone: Path) -> None:
    restore_run("two", print)
    restore_run("four", print)
    (cached,) = (
        file for file in Path(".dvc/cache/files").rglob("*")
        if file.is_file() and file.read_bytes() == b"model 12"
    )  # fmt: skip
    flip_a_bit(cached)
    with pytest.raises(InputError, match=r"models/evaluate/model.txt: altered since evaluate"):
        restore_run("two", print)


def test_without_its_data_a_run_says_what_is_missing_and_how_to_go_on(clone: Path) -> None:
    Path("../remote").rename("../away")
    with pytest.raises(InputError, match=r"dvc pull: ERROR: .*Code and params are back") as caught:
        restore_run("two", print)
    assert "\n" not in str(caught.value)
    Path("../away").rename("../remote")
    restore_run("two", print)


def test_names_are_listed_whole_on_a_narrow_terminal(clone: Path) -> None:
    name = "stereotyped-frigatebird"  # of the longest that a run is given
    restore_run("two", print)
    run(clone, ["dvc", "exp", "save", "--name", name])
    listed = run(clone, ["env", "COLUMNS=60", "python", "-m", "flows.restore"]).stdout
    assert f" {name} " in listed
    assert "make restore RUN=name" in listed


def test_it_waits_for_the_checkout(clone: Path) -> None:
    command = [sys.executable, "-m", "flows.restore", "two"]
    with checkout_lock("somebody's run", 1, print):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            assert "in use by somebody's run" in process.stdout.readline()
            process.kill()
        assert "times: 2" in Path("params.yaml").read_text()
        assert not Path("dvc.lock").exists()


def test_killed_anywhere_it_ends_when_called_again(clone: Path, outs: Outs) -> None:
    command = [sys.executable, "-m", "flows.restore"]
    target = "two"
    for delay_seconds in (0.6, 1.0, 1.4, 1.8, 2.2, 2.6, 3.0):
        target = "four" if target == "two" else "two"
        with subprocess.Popen([*command, target], stdout=subprocess.DEVNULL) as process:
            time.sleep(delay_seconds)
            process.send_signal(signal.SIGKILL)
    for name in ("two", "four"):
        restore_run(name, print)
        assert outs_here() == outs[name]
    assert status() == "Data and pipelines are up to date."


def test_a_run_of_the_real_graph_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project(tmp_path / "project")
    monkeypatch.setenv("PATH", environment()["PATH"])
    enter(project, monkeypatch)
    run(project, ["git", "init", "-q", "-b", "main", "--bare", "../git"])
    run(project, ["git", "remote", "add", "origin", "../git"])
    run(project, ["git", "push", "-q", "origin", "HEAD:main"])
    run(project, ["dvc", "config", "--local", "exp.git_remote", "origin"])
    run(project, ["dvc", "repro", "-q"])
    made = outs_here()
    push_run(save_run("real", "all good"), print)
    run(tmp_path, ["git", "clone", "-q", "-b", "main", "git", "clone"])
    monkeypatch.chdir(tmp_path / "clone")
    restore_run("real", print)
    assert outs_here() == made
    assert status() == "Data and pipelines are up to date."
