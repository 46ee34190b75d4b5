"""A fresh folder with the chain as one tool wants it, and a bare environment."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import yaml

from benchmarks.orchestration.contestants import Contestant
from benchmarks.orchestration.environments import PEERS, folder_of

REPOSITORY = Path(__file__).parents[2]
CHECKOUT = ("flows", "tasks", "pyproject.toml", "params.yaml", ".gitignore", ".dvcignore")
NUM_STEPS = 8
TRACE = "trace.txt"
# local writes only, as for the others: no DVC remote, and so nothing to push
DVC_CONFIG = (
    '[core]\n    analytics = false\n    autostage = false\n[cache]\n    type = "reflink,copy"\n'
)
SILENT = {
    "DO_NOT_TRACK": "1", "DVC_NO_ANALYTICS": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "ZENML_ANALYTICS_OPT_IN": "false", "DAGSTER_DISABLE_TELEMETRY": "1",
    "KEDRO_DISABLE_TELEMETRY": "1",
}  # fmt: skip
PERSON = {
    f"GIT_{role}_{key}": f"{key.lower()}@example.org"
    for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")
}  # fmt: skip


def make(contestant: Contestant, folder: Path) -> None:
    """Write the tool's own version of the chain."""
    if contestant.tool in ("dvc", "flywheel"):
        _make_checkout(folder)
    else:
        without = shutil.ignore_patterns("__pycache__", "requirements.txt")
        shutil.copytree(PEERS / contestant.tool, folder, ignore=without)


def environment_of(contestant: Contestant, folder: Path, home: Path) -> dict[str, str]:
    """Nothing of the person's own: state and settings of every tool go to the given home."""
    return {
        **SILENT, **PERSON,
        "PATH": f"{folder_of(contestant.tool)}/bin:{os.environ['PATH']}",
        "LANG": "C.UTF-8", "HOME": str(home), "TMPDIR": str(home), "USERNAME": "bench",
        "DVC_SITE_CACHE_DIR": str(home / "dvc"), "DAGSTER_HOME": str(folder),
        **contestant.environment,
    }  # fmt: skip


def _make_checkout(folder: Path) -> None:
    for name in CHECKOUT:
        source, target = REPOSITORY / name, folder / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    with (folder / ".gitignore").open("a") as stream:
        stream.write(f"/{TRACE}\n")
    (folder / ".dvc").mkdir()
    (folder / ".dvc/config").write_text(DVC_CONFIG)
    (folder / ".dvc/.gitignore").write_text("/config.local\n/tmp\n/cache\n")
    (folder / "dvc.yaml").write_text(yaml.safe_dump(chain_stages(), sort_keys=False))


def chain_stages() -> Mapping[str, Mapping[str, object]]:
    """`dvc.yaml`: each stage extends the text before it and notes in the trace that it ran."""
    stages: dict[str, object] = {}
    for number in range(1, NUM_STEPS + 1):
        before, out = f"data/step_{number - 1}.txt", f"data/step_{number}.txt"
        text = f"$(cat {before}) {number}" if number > 1 else "1"
        stages[f"step_{number}"] = {
            "cmd": f'mkdir -p data && echo "{text}" > {out} && cat {out} >> {TRACE}',
            **({"deps": [before]} if number > 1 else {}),
            "outs": [out],
        }
    return {"stages": stages}


def read_trace(folder: Path) -> list[str]:
    """One line per step that has run so far: what it wrote."""
    trace = folder / TRACE
    return trace.read_text().splitlines() if trace.exists() else []


def whole_chain() -> list[str]:
    """The trace of eight steps of which each read what the one before wrote."""
    numbers = [str(number) for number in range(1, NUM_STEPS + 1)]
    return [" ".join(numbers[:end]) for end in range(1, NUM_STEPS + 1)]
