"""What two processes cost over two threads, and how much of it is talk."""

import statistics
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from benchmarks.parallel.launch import Measured

SINGLE, SILENT = "single, all threads", "two that do not talk"
COLUMNS = ("layout", "examples/s, median (runs)", "time over single", "talking", "held, MiB")
MIB = 2**20


def print_report(title: str, num_examples: int, runs: Mapping[str, Sequence[Measured]]) -> None:
    medians = {name: statistics.median(one.seconds for one in all_) for name, all_ in runs.items()}
    table = Table(title=title)
    for column in COLUMNS:
        table.add_column(column)
    for name, measured in runs.items():
        rates = ", ".join(f"{num_examples / one.seconds:.0f}" for one in measured)
        talks = name not in (SINGLE, SILENT)
        table.add_row(
            name,
            f"{num_examples / medians[name]:.0f} ({rates})",
            f"{medians[name] / medians[SINGLE] - 1:+.1%}",
            f"{communication_share(medians[name], medians[SILENT]):.1%}" if talks else "none",
            f"{measured[0].held_bytes / MIB:.0f}",
        )
    console = Console()
    console.print(table)
    console.print(
        "talking: the share of an epoch in which a process exchanges or waits, over the same "
        "processes with the same shares of the same batches that never talk. Overhead of the "
        f"latter, {medians[SILENT] / medians[SINGLE] - 1:+.1%}, is that of processes over threads: "
        "each updates all weights, and multiplies smaller matrices."
    )


def communication_share(seconds: float, silent_seconds: float) -> float:
    """Of the time of an epoch, what is gone when nothing is exchanged; at least 0."""
    return max(0.0, 1 - silent_seconds / seconds)
