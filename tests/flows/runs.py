"""A small graph with code, params, raw data and metrics in a real checkout."""

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.project import REPOSITORY, run

Outs = dict[str, dict[str, bytes]]
STAGES = {
    "repeat": {
        "cmd": "python steps/repeat.py",
        "deps": ["data/raw", "steps"],
        "params": ["repeat"],
        "outs": ["data/repeat/parts", "data/repeat/all.txt"],
    },
    "evaluate": {
        "cmd": "python steps/evaluate.py",
        "deps": ["data/repeat/all.txt", "steps"],
        "outs": ["models/evaluate/model.txt"],
        "metrics": ["data/evaluate/metrics.json"],
    },
}
REPEAT = """import pathlib, yaml
times = yaml.safe_load(open("params.yaml"))["repeat"]["times"]
text = pathlib.Path("data/raw/seed.txt").read_text()
pathlib.Path("data/repeat/parts").mkdir(parents=True)
for index in range(times):
    pathlib.Path(f"data/repeat/parts/{index}.txt").write_text(text)
pathlib.Path("data/repeat/all.txt").write_text(text * times)
"""
EVALUATE = """import json, pathlib
size = len(pathlib.Path("data/repeat/all.txt").read_text())
for folder in ("data/evaluate", "models/evaluate"):
    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
pathlib.Path("models/evaluate/model.txt").write_text(f"model {size}")
scores = {"evaluate": {"macro_f1": size / 100, "weighted_f1": size / 50}}
pathlib.Path("data/evaluate/metrics.json").write_text(json.dumps(scores))
if size > 50:
    raise SystemExit("too long")
"""
FILES = {
    "dvc.yaml": yaml.safe_dump({"stages": STAGES}),
    "params.yaml": "repeat:\n  times: 2  # how often\n",
    "steps/repeat.py": REPEAT,
    "steps/evaluate.py": EVALUATE,
    "data/raw/seed.txt": "1\n2\n3\n",
    "README.md": "read me\n",
    "notes.md": "notes\n",
    ".gitignore": "/data/?*\n!/data/raw\n/models/\n__pycache__/\n",
    ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n",
    ".dvc/config": '[core]\n    analytics = false\n[cache]\n    type = "reflink,copy"\n',
}


def make_runs_checkout(folder: Path) -> Path:
    """Committed, not yet reproduced; no remote."""
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    run(folder, ["git", "init", "-q", "-b", "main"])
    run(folder, ["dvc", "add", "-q", "data/raw/seed.txt"])
    run(folder, ["git", "add", "-A"])
    run(folder, ["git", "commit", "-qm", "start"])
    return folder


def add_remotes(folder: Path) -> None:
    """A DVC remote and a bare git repository beside the checkout, as its clones find them too."""
    run(folder, ["git", "init", "-q", "-b", "main", "--bare", "../git"])
    run(folder, ["dvc", "remote", "add", "-q", "-d", "folder", "../remote"])
    run(folder, ["dvc", "config", "exp.git_remote", "origin"])
    run(folder, ["git", "commit", "-qam", "remotes"])
    run(folder, ["git", "remote", "add", "origin", str(folder.parent / "git")])
    run(folder, ["git", "push", "-q", "origin", "main"])


def set_times(times: int) -> None:
    Path("params.yaml").write_text(FILES["params.yaml"].replace("2", str(times)))


def reproduce(times: int) -> None:
    set_times(times)
    run(Path(), ["dvc", "repro", "-q"])


def git_here(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout


def files_here() -> dict[str, bytes]:
    """Every file of the checkout with its content, without what git and DVC keep for themselves."""
    inner = (".git", ".dvc/tmp", ".dvc/cache")
    return {
        str(path): str(path.readlink()).encode() if path.is_symlink() else path.read_bytes()
        for path in sorted(Path().rglob("*"))
        if not path.is_dir() and not any(path.is_relative_to(folder) for folder in inner)
    }


def outs_here() -> dict[str, bytes]:
    return {name: text for name, text in files_here().items() if name.startswith(("data", "model"))}


def users_side() -> dict[str, object]:
    """All that is the user's and no run may touch."""
    return {
        "index": Path(git_here("rev-parse", "--git-path", "index").strip()).read_bytes(),
        "head": git_here("rev-parse", "--symbolic-full-name", "HEAD"),
        "branches": git_here("for-each-ref", "refs/heads", "refs/tags"),
        "stash": git_here("stash", "list"),
        "files": files_here(),
        "modes": {name: Path(name).lstat().st_mode for name in files_here()},
    }


def shown_runs() -> dict[str, dict[str, object]]:
    """Params and metrics as `dvc exp show` has them, by the run's name."""
    shown = json.loads(run(Path(), ["dvc", "exp", "show", "--json"]).stdout.splitlines()[-1])
    return {
        state["name"]: {
            "params": state["data"]["params"]["params.yaml"]["data"],
            "metrics": state["data"]["metrics"]["data/evaluate/metrics.json"].get("data"),
        }
        for entry in shown
        for experiment in entry["experiments"] or []
        for state in experiment["revs"]
    }


def enter(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Work there as a person who never set up git."""
    patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    patch.setenv("PYTHONPATH", str(REPOSITORY))
    patch.chdir(folder)
