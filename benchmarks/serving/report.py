"""The tables and the JSON file of one measurement."""

import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.machine import describe_machine
from benchmarks.serving.contestants import Contestant
from benchmarks.serving.overload import Overload
from benchmarks.serving.parts import Part
from benchmarks.serving.trial import CONCURRENCIES, Figures, Trial


@dataclass
class Row:
    contestant: Contestant
    version: str
    trials: list[Trial] = field(default_factory=list)
    reason: str = ""  # why it could not be measured

    def median(self, num_clients: int, read: Callable[[Figures], float]) -> float:
        return statistics.median(read(trial.figures[num_clients]) for trial in self.trials)

    def per_second(self, num_clients: int) -> float:
        return self.median(num_clients, lambda figures: figures.per_second)

    def p50(self, num_clients: int) -> float:
        return self.median(num_clients, lambda figures: figures.p50)

    def p99(self, num_clients: int) -> float:
        return self.median(num_clients, lambda figures: figures.p99)

    @property
    def mebibytes(self) -> float:
        return statistics.median(trial.mebibytes for trial in self.trials)

    @property
    def ready_seconds(self) -> float:
        return statistics.median(trial.ready_seconds for trial in self.trials)


@dataclass
class Measurement:
    rows: list[Row]
    bare: list[Mapping[str, Mapping[str, float]]] = field(default_factory=list)  # by round
    overloads: list[Overload] = field(default_factory=list)
    parts: dict[int, list[Part]] = field(default_factory=dict)  # by concurrency

    def bare_median(self, kind: str, name: str) -> float:
        return statistics.median(one[kind][name] for one in self.bare)

    def middle_overload(self) -> Overload:
        return sorted(self.overloads, key=lambda one: one.goodput)[len(self.overloads) // 2]


def print_report(measurement: Measurement, verdicts: Sequence[str], console: Console) -> None:
    console.print(_peers_table(measurement.rows))
    for row in measurement.rows:
        about = f"not measured: {row.reason}" if row.reason else row.contestant.settings
        console.print(f"{row.contestant.name} ({row.version}): {about}", markup=False)
    if measurement.bare:
        console.print(_bare_table(measurement))
    if measurement.overloads:
        console.print("Ten times the load that the service can take, on a core of its own:")
        for sentence in measurement.middle_overload().sentences():
            console.print(f"  {sentence}", markup=False)
    if measurement.parts:
        console.print(_parts_table(measurement.parts))
    for verdict in verdicts:
        console.print(verdict, markup=False)
    console.print(describe_machine("onnxruntime", "fastapi", "uvicorn"), soft_wrap=True)


def _peers_table(rows: Sequence[Row]) -> Table:
    num_rounds = max((len(row.trials) for row in rows), default=0)
    table = Table(title=f"Requests of one text, medians of {num_rounds} rounds")
    table.add_column("answers/s, p50 / p99 ms by clients")
    for name in (*map(str, CONCURRENCIES), "CPU ms", "failed", "MiB", "ready"):
        table.add_column(name, no_wrap=True, justify="right")
    for row in rows:
        if not row.trials:
            table.add_row(row.contestant.name, "not measured, see below")
            continue
        loads = [
            f"{row.per_second(n):.0f}, {1e3 * row.p50(n):.3g} / {1e3 * row.p99(n):.0f}"
            for n in CONCURRENCIES
        ]
        cpu = row.median(CONCURRENCIES[-1], lambda figures: figures.cpu_seconds)
        failed = sum(one.num_failed for trial in row.trials for one in trial.figures.values())
        table.add_row(
            row.contestant.name, *loads, f"{1e3 * cpu:.2f}", str(failed), f"{row.mebibytes:.0f}",
            f"{row.ready_seconds:.1f} s",
        )  # fmt: skip
    return table


def _bare_table(measurement: Measurement) -> Table:
    table = Table(title="ONNX Runtime alone, texts sorted by length, texts/s (CPU ms a text)")
    ways = ("1 thread", "2 threads", "2 workers")
    for column in ("", *ways):
        table.add_column(column, justify="right")
    settings = list(measurement.bare[0]["per_second"])
    for start in range(0, len(settings), len(ways)):
        cells = [
            f"{measurement.bare_median('per_second', name):.0f} "
            f"({1e3 * measurement.bare_median('cpu_seconds', name):.2f})"
            for name in settings[start : start + len(ways)]
        ]
        table.add_row(settings[start].rsplit(",", 1)[0], *cells)
    return table


def _parts_table(parts: Mapping[int, Sequence[Part]]) -> Table:
    """Alone there is no waiting, so that time on the clock says it; else CPU time does."""
    table = Table(title="Where the time of a request goes, as shipped, microseconds")
    table.add_column("")
    for num_clients in parts:
        table.add_column(f"{num_clients} client(s), clock", justify="right")
    table.add_column("CPU", justify="right")
    for lines in zip(*parts.values(), strict=True):
        cells = [f"{1e6 * part.wall_seconds:.0f}" for part in lines]
        table.add_row(lines[0].name, *cells, f"{1e6 * lines[-1].cpu_seconds:.0f}")
    return table


def write_json(measurement: Measurement, verdicts: Sequence[str], file: Path) -> None:
    tree = {
        "machine": describe_machine("onnxruntime", "fastapi", "uvicorn"),
        "verdicts": list(verdicts),
        "contestants": [
            {
                "name": row.contestant.name, "version": row.version, "reason": row.reason,
                "settings": row.contestant.settings,
                "trials": [
                    {**trial._asdict(), "figures": {
                        number: figures._asdict() for number, figures in trial.figures.items()
                    }}
                    for trial in row.trials
                ],
            }
            for row in measurement.rows
        ],
        "bare": measurement.bare,
        "overload": [
            {
                "goodput": one.goodput, "slowdown": one.slowdown, "sentences": one.sentences(),
                "statuses": dict(one.beyond.load.statuses),
                "num_unsent": one.beyond.load.num_unsent,
            }
            for one in measurement.overloads
        ],
        "parts": {
            number: [part._asdict() for part in parts]
            for number, parts in measurement.parts.items()
        },
    }  # fmt: skip
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(tree, indent=2) + "\n")
