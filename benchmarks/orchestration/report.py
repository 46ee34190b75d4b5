"""The table, the verdicts and the JSON file of one measurement."""

import json
import os
import platform
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.orchestration.contestants import OURS, PLAIN_DVC, Contestant
from benchmarks.orchestration.trial import Trial
from benchmarks.orchestration.workplace import NUM_STEPS

FLOW_SECONDS, STEP_SECONDS, NOTHING_TO_DO_SECONDS = 3.0, 0.8, 5.0
OWN = ("dvc", "flywheel")


@dataclass
class Row:
    contestant: Contestant
    version: str
    trials: list[Trial] = field(default_factory=list)
    reason: str = ""  # why it could not be measured

    @property
    def cold(self) -> list[float]:
        return [trial.cold_seconds for trial in self.trials]

    @property
    def warm(self) -> list[float]:
        return [trial.warm_seconds for trial in self.trials]

    @property
    def num_warm_steps(self) -> int:
        return max(trial.num_warm_steps for trial in self.trials)

    @property
    def skips(self) -> bool:
        return self.num_warm_steps == 0


def print_report(rows: Sequence[Row], console: Console) -> None:
    num_repetitions = max((len(row.trials) for row in rows), default=0)
    table = Table(title=f"A chain of {NUM_STEPS} steps, {num_repetitions} alternating repetitions")
    for column in ("", "cold, s", "again, s", "ran again", "versions data"):
        table.add_column(column, no_wrap=True)
    for row in rows:
        table.add_row(*_cells(row))
    console.print(table)
    for row in rows:
        about = f"not measured: {row.reason}" if row.reason else row.contestant.keeps
        name = f"{row.contestant.name} ({row.version})"
        console.print(f"{name}: {about}", markup=False, soft_wrap=True)
    for verdict in verdicts(rows):
        console.print(verdict, markup=False, soft_wrap=True)
    loads = [trial.load for row in rows for trial in row.trials]
    if loads and statistics.median(loads) > len(os.sched_getaffinity(0)):
        console.print("BUSY MACHINE: more wanted to run than there are cores; measure again.")
    if loads:
        console.print(f"load average before the trials: {_spread(loads)}", soft_wrap=True)
    machine = describe_machine()
    console.print(", ".join(f"{name} {value}" for name, value in machine.items()), soft_wrap=True)


def _cells(row: Row) -> Iterator[str]:
    contestant = row.contestant
    yield contestant.name
    if row.reason:
        yield from ("not measured, see below", "", "", "")
        return
    yield from (_spread(row.cold), _spread(row.warm), f"{row.num_warm_steps} of {NUM_STEPS}")
    yield "yes" if contestant.versions_data else "no"


def _spread(seconds: Sequence[float]) -> str:
    return f"{statistics.median(seconds):.2f} ({min(seconds):.2f}-{max(seconds):.2f})"


def verdicts(rows: Sequence[Row]) -> list[str]:
    """The targets as sentences, each from the medians of this measurement."""
    measured = {row.contestant.name: row for row in rows if row.trials}
    ours, plain = measured.get(OURS.name), measured.get(PLAIN_DVC.name)
    lines = []
    if ours and plain:
        bound = statistics.median(plain.cold) + FLOW_SECONDS + NUM_STEPS * STEP_SECONDS
        lines.append(_bounded(f"{NUM_STEPS} stages cold", statistics.median(ours.cold), bound))
    if ours:
        warm = statistics.median(ours.warm)
        lines.append(_bounded("nothing to do", warm, NOTHING_TO_DO_SECONDS))
        peers = [row for row in measured.values() if row.contestant.tool not in OWN]
        versioning = [row for row in peers if row.contestant.versions_data]
        skipping = [row for row in versioning if row.skips]
        lines += _ranked("that version their data", ours, versioning)
        lines += _ranked("that version their data and skip what is up to date", ours, skipping)
    return lines


def _bounded(what: str, seconds: float, bound: float) -> str:
    return (
        f"{what}: {seconds:.2f} s, target {bound:.2f} s: {'met' if seconds <= bound else 'MISSED'}"
    )


def _ranked(which: str, ours: Row, peers: Sequence[Row]) -> Iterator[str]:
    if not peers:
        return
    readings: dict[str, Callable[[Row], list[float]]] = {
        "cold": lambda row: row.cold,
        "again": lambda row: row.warm,
    }
    for what, reading in readings.items():
        order = sorted([ours, *peers], key=lambda row: statistics.median(reading(row)))
        place = f"ours is number {order.index(ours) + 1} of {len(order)}"
        medians = [
            f"{row.contestant.name} {statistics.median(reading(row)):.2f} s" for row in order
        ]
        yield f"of those {which}, {what}: {place} ({'; '.join(medians)})"


def describe_machine() -> dict[str, object]:
    cpuinfo = Path("/proc/cpuinfo").read_text().splitlines()
    model = next(line.split(":")[1].strip() for line in cpuinfo if line.startswith("model name"))
    cores = len(os.sched_getaffinity(0))
    return {
        "CPU": model, "cores": cores,
        "Python": platform.python_version(), "Linux": platform.release(),
    }  # fmt: skip


def write_json(rows: Sequence[Row], file: Path) -> None:
    tree: Mapping[str, object] = {
        "machine": describe_machine(),
        "verdicts": verdicts(rows),
        "contestants": [
            {
                "name": row.contestant.name, "version": row.version, "reason": row.reason,
                "command": " ".join(row.contestant.command), "keeps": row.contestant.keeps,
                "versions_data": row.contestant.versions_data,
                "cold_seconds": row.cold, "warm_seconds": row.warm,
                "loads": [trial.load for trial in row.trials],
                "num_warm_steps": [trial.num_warm_steps for trial in row.trials],
            }
            for row in rows
        ],
    }  # fmt: skip
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(tree, indent=2) + "\n")
