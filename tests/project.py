"""A real git and DVC checkout in a temporary folder that runs another task from its params."""

import csv
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.tiny_model import write_tiny_encoder

REPOSITORY = Path(__file__).parents[1]
COPIED = [
    "tasks", "flows", "serving", "dvc.yaml", "params.yaml", "pyproject.toml", "prefect.yaml",
    ".dvc/config", ".dvc/.gitignore", ".dvcignore", ".gitignore", "data/feedback/README.md",
]  # fmt: skip
# a topic task: labels that spreadsheet readers like to take for missing values, numbers or truths
TOPICS = {
    "NA": ("invoice", "Rechnung", "factura", "صورتحساب"),
    "None": ("delivery", "Lieferung", "entrega", "تحویل"),
    "1e5": ("password", "Kennwort", "contraseña", "گذرواژه"),
    "True": ("thanks", "danke", "gracias", "سپاس"),
}
TEMPLATES = (
    "my {} number {} is wrong, please look", "die {} Nummer {} stimmt leider nicht, bitte prüfen",
    "mi {} número {} no está bien, por favor", "{} شماره {} درست نیست لطفا",
)  # fmt: skip
SMALL = {
    "max_tokens": 32, "frozen_layers": None, "max_epochs": 2, "learning_rate": 1e-2, "threads": 1,
    "batch_size": 16,
}  # fmt: skip


def make_project(folder: Path, num_rows: int = 400) -> Path:
    """The repository's code in a fresh git and DVC checkout, with a CSV to learn from."""
    copy_code(COPIED, folder)
    write_tiny_encoder(folder / "data/raw/encoder")
    write_tickets(folder / "data/raw/tickets.csv", num_rows)
    write_params(folder)
    run(folder, ["git", "init", "-q"])
    run(folder, ["dvc", "add", "-q", "data/raw/tickets.csv", "data/raw/encoder"])
    run(folder, ["git", "add", "-A"])
    run(folder, ["git", "commit", "-qm", "start"])
    return folder


def copy_code(names: Sequence[str], folder: Path) -> None:
    """These files and folders of the repository, as they are now."""
    for name in names:
        source, target = REPOSITORY / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target)


def write_tickets(file: Path, num_rows: int) -> None:
    labels = list(TOPICS)
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["ticket", "body", "topic"])
        for row in range(num_rows):
            label, language = labels[row % 4], row // 4 % 4
            text = TEMPLATES[language].format(TOPICS[label][language], f"{row * 7919 % 99991:05d}")
            writer.writerow([f"t{row}", text, label])


def write_params(folder: Path, **train: Any) -> None:
    """Everything that makes it another task, and nothing else: the params."""
    tree = yaml.safe_load((REPOSITORY / "params.yaml").read_text(encoding="utf-8"))
    tree["fetch"]["packages"] = []
    tree["aggregate"]["sources"] = [
        {
            "name": "tickets", "files": ["raw/*.csv"], "format": "csv", "encoding": "utf-8",
            "quoting": True, "columns": None, "votes": None, "join": None,
            "map": {
                "source_id": "ticket", "text": "body", "label": "topic",
                "votes": None, "rater": None, "created_at": None,
            },
        }
    ]  # fmt: skip
    tree["aggregate"]["feedback"]["votes"] = None
    tree["clean"]["near_duplicates"]["min_jaccard"] = 0.95
    tree["label"] |= {"classes": list(TOPICS), "ordered": False, "votes": {"rule": "majority"}}
    bounds: dict[str, dict[str, Any]] = {
        "known_source": {"value_set": ["tickets", "feedback"]},
        "sources_complete": {"value_set": ["tickets"]},
        "enough_votes": {"min_value": 1}, "row_count": {"min_value": 100},
        "rows_per_source": {"min_value": 100}, "near_duplicate_share": {"max_value": 1.0},
    }  # fmt: skip
    tree["validate"]["rules"] = [
        rule | {"arguments": rule["arguments"] | bounds.get(rule["name"], {})}
        for rule in tree["validate"]["rules"]
        if rule["name"] not in ("lowest_vote", "highest_vote")
    ]
    changes = {**SMALL, "encoder": "data/raw/encoder", **train}
    for key, value in changes.items():
        next(group for group in tree["train"].values() if key in group)[key] = value
    tree["tracking"]["loggers"] = []
    tree["evaluate"]["checks"] = []
    loosen_gate(tree["gate"])
    tree["serving"] |= {"port": 0, "admin_port": 0}
    (folder / "params.yaml").write_text(yaml.safe_dump(tree, allow_unicode=True), "utf-8")


def loosen_gate(gate: dict[str, Any]) -> None:
    """A model that has learnt a little passes, on a busy machine too, when it is the first."""
    gate |= {"min_rows": 10, "floors": {"macro_f1": 0.0, "weighted_f1": 0.0}}
    gate["calibration"] |= {"max_ece": 1.0, "max_ece_rise": 1.0}
    gate["latency"] |= {"num_texts": 5, "max_milliseconds": 60000.0, "max_ratio": 1000.0}
    gate["collapse"] |= {"min_recall": 1e-9, "min_predicted_share": 1e-9}


def run(folder: Path, command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    """Run a command as a user of the checkout would, failing loudly with its output."""
    result = try_run(folder, command)
    assert result.returncode == 0, result.stdout
    return result


def try_run(folder: Path, command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command, cwd=folder, env=environment(), text=True, check=False, timeout=280,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def environment() -> dict[str, str]:
    person = {f"GIT_{role}_{key}": f"{key.lower()}@example.org" for role in ("AUTHOR", "COMMITTER")
              for key in ("NAME", "EMAIL")}  # fmt: skip
    return {
        **os.environ, **person, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "DVC_NO_ANALYTICS": "1", "HF_HUB_OFFLINE": "1", "COLUMNS": "120",
    }  # fmt: skip
