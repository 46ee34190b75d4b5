from pathlib import Path

import yaml

from flows.checkout.versions import save_run
from tests.flows.runs import (
    git_here,
)
from tests.project import run

pytest_plugins = ["tests.flows.run_fixtures"]


def tree_of(commit: str) -> list[str]:
    return git_here("-c", "core.quotePath=false", "ls-tree", "-r", "--name-only", commit).split(
        "\n"
    )


def test_a_lock_that_git_is_told_to_ignore_is_saved_all_the_same(checkout: Path) -> None:
    with Path(".git/info/exclude").open("a") as file:
        file.write("dvc.lock\n")
    Path("dvc.lock").write_text("schema: '2.0'\nstages: {}\n")
    assert "dvc.lock" in tree_of(save_run("lynx", "").commit)


def test_raw_data_that_nobody_keeps_is_named_and_stays_out_of_git(checkout: Path) -> None:
    Path("data/raw/new.csv").write_text("x")
    Path("data/raw/more").mkdir()
    Path("data/raw/more/a.csv").write_text("x")
    Path("data/raw/ignored.log").write_text("x")
    Path("data/raw/cache").mkdir()
    Path("data/raw/cache/b").write_text("x")
    Path(".git/info/exclude").write_text("*.log\n")
    Path(".dvcignore").write_text("data/raw/cache/\n")
    saved = save_run("lynx", "")
    (warning,) = saved.warnings
    paths = "data/raw/ignored.log data/raw/more data/raw/new.csv"
    assert warning.endswith(f"Keep them: dvc add {paths}")
    assert not {"data/raw/new.csv", "data/raw/seed.txt"} & {*tree_of(saved.commit)}
    run(checkout, ["dvc", "add", "-q", "data/raw/new.csv", "data/raw/more", "data/raw/ignored.log"])
    saved = save_run("lynx", "")
    assert saved.warnings == ()
    assert "data/raw/new.csv.dvc" in tree_of(saved.commit)


def test_a_large_file_under_code_is_no_code(checkout: Path) -> None:
    Path("steps/weights.bin").write_bytes(bytes(6 * 2**20))
    saved = save_run("lynx", "")
    assert "steps/weights.bin" in saved.warnings[0]
    assert "steps/weights.bin" not in tree_of(saved.commit)


def test_inputs_from_elsewhere_are_named_and_the_run_is_kept(checkout: Path) -> None:
    Path("../shared").mkdir()
    graph = yaml.safe_load(Path("dvc.yaml").read_text())
    elsewhere = ["../shared/x", "/etc/hostname", "s3://bucket/a.csv"]
    graph["stages"]["repeat"]["deps"] += [*elsewhere, f"{checkout}/steps/new.py"]
    graph["stages"]["repeat"]["params"].append({"../shared/params.yaml": ["a"]})
    Path("dvc.yaml").write_text(yaml.safe_dump(graph))
    Path("steps/new.py").write_text("new\n")
    saved = save_run("lynx", "")
    (warning,) = saved.warnings
    assert warning.startswith(
        "../shared/params.yaml, ../shared/x, /etc/hostname and 1 more: outside"
    )
    assert "steps/new.py" in tree_of(saved.commit)
