"""A small graph of shell stages in a real git and DVC checkout, run by this repository's flows."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.project import REPOSITORY, copy_code, run

COPIED = [
    "flows", "tasks", "pyproject.toml", "prefect.yaml", ".dvc/config", ".dvc/.gitignore",
    ".gitignore", ".dvcignore",
]  # fmt: skip
Stages = Mapping[str, Mapping[str, Any]]


def make_checkout(folder: Path, stages: Stages) -> Path:
    """A committed checkout of these stages, with its remote beside it."""
    copy_code(COPIED, folder)
    write_graph(folder, stages)
    params = yaml.safe_load((REPOSITORY / "params.yaml").read_text("utf-8"))
    own = {name: params[name] for name in ("flywheel", "notifications", "retrain_policy")}
    (folder / "params.yaml").write_text(yaml.safe_dump({**own, "shout": {"word": "hello"}}))
    run(folder, ["git", "init", "-q", "-b", "main"])
    run(folder, ["git", "add", "-A"])
    run(folder, ["git", "commit", "-qm", "start"])
    return folder


def write_graph(folder: Path, stages: Stages) -> None:
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": dict(stages)}, sort_keys=False))


def chain(num_stages: int) -> dict[str, dict[str, Any]]:
    """Stages s0, s1, ... that each add a line to what the one before wrote."""
    return {
        f"s{index}": {
            "cmd": f"mkdir -p {folder} && (cat {before} && echo {index}) > {folder}/lines.txt",
            "deps": [] if index == 0 else [before],
            "outs": [f"{folder}/lines.txt"],
        }
        for index in range(num_stages)
        for folder in [f"data/s{index}"]
        for before in ["/dev/null" if index == 0 else f"data/s{index - 1}/lines.txt"]
    }


def diamond() -> dict[str, dict[str, Any]]:
    """One source, two stages that read it, one that reads both; `left` reads a param, too."""
    copy = "mkdir -p data/{0} && cat {1} > data/{0}/out.txt"
    return {
        "source": {
            "desc": "where it begins",
            "cmd": "mkdir -p data/source && echo begin > data/source/out.txt",
            "outs": ["data/source/out.txt"],
        },
        "left": {
            "cmd": copy.format("left", "data/source/out.txt params.yaml"),
            "deps": ["data/source/out.txt"],
            "params": ["shout"],
            "outs": ["data/left/out.txt"],
        },
        "right": {
            "cmd": copy.format("right", "data/source/out.txt"),
            "deps": ["data/source/out.txt"],
            "outs": ["data/right/out.txt"],
        },
        "join": {
            "cmd": copy.format("join", "data/left/out.txt data/right/out.txt"),
            "deps": ["data/left/out.txt", "data/right/out.txt"],
            "outs": ["data/join/out.txt"],
        },
    }
