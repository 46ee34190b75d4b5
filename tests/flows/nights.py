"""A checkout whose one stage learns from accepted corrections, and nights in it."""

import hashlib
import json
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from prefect.client.schemas.objects import TaskRun

from tasks.artifacts import sha256_of, write_json
from tasks.feedback import ACCEPTED, Manifest
from tasks.records import FEEDBACK as FEEDBACK_COLUMNS
from tasks.retrain_policy import history
from tasks.retrain_policy.history import Entry, Training
from tests.chain import make_checkout
from tests.feedback_partitions import make_event
from tests.flows.last_run import states
from tests.project import environment, run, try_run

NIGHT = ["python", "-m", "flows.nightly_retrain"]
FEEDBACK = Path("data/feedback")
LEARN = {
    "cmd": "echo x >> trained; mkdir -p data/learn && "
    "cat data/feedback/accepted/*.json params.yaml > data/learn/out.txt",
    "deps": ["data/feedback"],
    "params": ["shout"],
    "outs": ["data/learn/out.txt"],
}


class Nights(NamedTuple):
    folder: Path

    def night(self, *arguments: str, code: int = 0) -> str:
        """What one run says in the end."""
        done = try_run(self.folder, [*NIGHT, *arguments])
        assert done.returncode == code, done.stdout
        return done.stdout

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [*NIGHT, *arguments], cwd=self.folder, env=environment(), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    @property
    def num_trained(self) -> int:
        """How often the stage has really run."""
        file = self.folder / "trained"
        return len(file.read_text().splitlines()) if file.exists() else 0

    @property
    def history_file(self) -> Path:
        return self.folder / "live" / history.HISTORY

    def entries(self) -> list[Entry]:
        return history.read(self.history_file)

    def trainings(self) -> list[Training]:
        return history.trainings(self.entries())

    @property
    def accepted(self) -> Path:
        return self.folder / FEEDBACK / ACCEPTED

    def partitions(self) -> list[str]:
        return sorted(file.stem for file in self.accepted.glob("*.json"))

    def add(self, num_events: int, kind: str = ACCEPTED) -> str:
        return add_partition(self.folder / FEEDBACK / kind, num_events)

    def set(self, section: str, **values: Any) -> None:
        file = self.folder / "params.yaml"
        tree = yaml.safe_load(file.read_text())
        tree[section] |= values
        file.write_text(yaml.safe_dump(tree))

    def set_command(self, command: str) -> None:
        write_graph(self.folder, command)


def make_nights(folder: Path) -> Nights:
    """Nothing was trained yet, one partition is there; no cooldown, so that nights can be short."""
    made = Nights(make_checkout(folder, {"learn": LEARN}))
    (folder / ".git/info/exclude").write_text("/trained\n/wait*\n")
    made.set("retrain_policy", cooldown_hours=0.0)
    made.add(5)
    run(folder, ["git", "commit", "-qam", "no cooldown"])
    return made


def write_graph(folder: Path, command: str) -> None:
    stages = {"learn": {**LEARN, "cmd": command}}
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))


def add_partition(folder: Path, num_events: int) -> str:
    """As the action that brings feedback in writes it; returns its name."""
    folder.mkdir(parents=True, exist_ok=True)
    number = len(list(folder.glob("*.json")))
    name = f"part-{hashlib.sha256(f'{folder} {number}'.encode()).hexdigest()[:20]}"
    file = folder / f"{name}.parquet"
    events = [
        make_event(number * 1_000_000 + index, f"text {number} {index}", "no", rater="r_1")
        for index in range(num_events)
    ]
    pq.write_table(pa.Table.from_pylist(events, FEEDBACK_COLUMNS), file)
    at = datetime(2026, 11, 26, tzinfo=UTC)
    manifest = Manifest(
        sha256=sha256_of(file), num_events=num_events, seqs=((1, num_events),), labels={},
        first_received_at=at, last_received_at=at, held_because=None, anchor=None, days={},
        num_corrections=0,
    )  # fmt: skip
    write_json(file.with_suffix(".json"), json.loads(manifest.model_dump_json()))
    return name


def outcomes(trainings: Sequence[Training]) -> list[str]:
    return [training.outcome for training in trainings]


def stages_of(tasks: dict[str, TaskRun]) -> dict[str, str]:
    """State of each stage of a night's run; bringing feedback in is no stage."""
    return {name: state for name, state in states(tasks).items() if name != "ingest"}
