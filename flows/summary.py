"""The table at the end of a run: rows and time per stage, the candidate beside the baselines."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from rich.console import Console
from rich.table import Table

from flows.checkout.run_files import paths_of
from tasks.errors import InputError
from tasks.stage import read_record

DVC_FILE = Path("dvc.yaml")


class StageRun(NamedTuple):
    """One stage as its metrics and the record of its last run on this machine describe it."""

    name: str
    ran: bool  # in this run
    done: bool  # its outputs are there
    seconds: float | None  # None: never ran on this machine (its outputs were pulled)
    peak_memory_mib: float | None
    failure: str | None
    metrics: dict[str, Any]


def read_runs(started: float) -> list[StageRun]:
    """Every stage of the graph in order; `started` is the wall-clock time the run began."""
    return [_read_run(name, stage, started) for name, stage in read_stages().items()]


def read_stages() -> dict[str, dict[str, Any]]:
    """As dvc.yaml has them, but outs and metrics by path alone, without options."""
    if not DVC_FILE.is_file():
        raise InputError(f"{DVC_FILE}: no such file in {Path.cwd()}. Run from the repository.")
    stages: dict[str, dict[str, Any]] = yaml.safe_load(DVC_FILE.read_text())["stages"]
    return {
        name: stage | {kind: list(paths_of(stage, kind)) for kind in ("outs", "metrics")}
        for name, stage in stages.items()
    }


def _read_run(name: str, stage: dict[str, Any], started: float) -> StageRun:
    record = read_record(name)
    ran = record.get("started", 0.0) >= started
    metrics: dict[str, Any] = {}
    for file in filter(Path.is_file, map(Path, stage["metrics"])):
        metrics |= json.loads(file.read_text(encoding="utf-8")).get(name, {})
    return StageRun(
        name,
        ran,
        all(Path(out).exists() for out in stage["outs"]),
        record.get("seconds"),
        record.get("peak_memory_mib"),
        record.get("failure") if ran else None,
        metrics,
    )


def print_summary(console: Console, runs: list[StageRun], result: str) -> None:
    """Tables, then the result in one line, then the places to look."""
    console.print(_stage_table(runs))
    metrics = {run.name: run.metrics for run in runs}
    if metrics.get("evaluate"):
        console.print(_score_table(metrics["evaluate"]))
    console.print(result, markup=False, soft_wrap=True)
    for what, place in _places():
        console.print(f"  {what:<18}{place}", markup=False)


def in_one_line(runs: list[StageRun], seconds: float) -> str:
    """For stages that leave a record, as all that run `tasks.stage` do."""
    if num_ran := sum(run.ran for run in runs):
        return f"{num_ran} of {len(runs)} stages ran in {seconds:.0f} s."
    return f"Nothing to do: all {len(runs)} stages were up to date."


def _stage_table(runs: list[StageRun]) -> Table:
    table = Table(title="Stages", title_justify="left")
    table.add_column("stage", no_wrap=True)
    for column in ("rows in", "rows out", "rejected", "seconds", "peak MiB"):
        table.add_column(column, justify="right")
    table.add_column("")
    for run in runs:
        counts = [_number(run.metrics.get(key)) for key in ("rows_in", "rows_out", "rejected")]
        costs = [_number(run.seconds, 1), _number(run.peak_memory_mib)]
        known = "up to date" if run.seconds else "done"
        state = "ran" if run.ran else known if run.done else "not run"
        table.add_row(run.name, *counts, *costs, state)
    return table


def _score_table(evaluate: dict[str, Any]) -> Table:
    table = Table(title="Candidate on the test split", title_justify="left")
    table.add_column("")
    for column in ("macro F1", "95 %", "weighted F1", "95 %"):
        table.add_column(column, justify="right")
    for name, scores in {"candidate": evaluate, **evaluate.get("baselines", {})}.items():
        cells = [
            cell
            for key in ("macro_f1", "weighted_f1")
            for cell in (_number(scores.get(key), 3), _interval(scores, key))
        ]
        table.add_row(name.replace("_", " "), *cells)
    return table


def _places() -> list[tuple[str, str]]:
    """Outputs a person opens, by what they are; only those that exist."""
    outs = [out for stage in read_stages().values() for out in stage["outs"]]
    names = {
        "bundle": "packaged model",
        "model_card.html": "model card",
        "data_docs": "validation report",
        "tasks.json": "to label next",
    }
    return [
        (names[Path(out).name], out)
        for out in outs
        if Path(out).name in names and Path(out).exists()
    ]


def _number(value: float | None, digits: int = 0) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


def _interval(scores: dict[str, Any], key: str) -> str:
    low, high = scores.get(f"{key}_low"), scores.get(f"{key}_high")
    return "" if low is None or high is None else f"{low:.3f} to {high:.3f}"
