"""What two processes cost over two threads, and how much of it is talk."""

import statistics
from collections.abc import Sequence
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from benchmarks.parallel.launch import Layout, Measured
from tasks.sizing.shapes import Shape

SINGLE, SILENT = "single, all threads", "two that do not talk"
COLUMNS = (
    "layout", "examples/s, median (runs)", "time over single", "talking", "sent, MiB a step",
    "held, MiB",
)  # fmt: skip
EXPLANATION = """\
talking: the part of an epoch's time that is gone when the same processes do the same shares of the
same batches without exchanging anything: sending, waiting for each other, packing what is sent.
What is left, {overhead:+.1%} over single, is that of processes over threads: each updates all
weights, and multiplies smaller matrices. ddp sends gradients while the backward pass goes on; fsdp
on a CPU waits for each layer's weights, twice a step, and packs and unpacks them each time."""
MIB = 2**20
FLOAT = 4  # bytes


class Result(NamedTuple):
    layout: Layout
    runs: list[Measured]

    @property
    def median(self) -> float:
        """Seconds of an epoch."""
        return statistics.median(run.seconds for run in self.runs)


def print_report(title: str, num_examples: int, shape: Shape, results: Sequence[Result]) -> None:
    medians = {one.layout.name: one.median for one in results}
    table = Table(title=title)
    for column in COLUMNS:
        table.add_column(column)
    for result in results:
        layout, median = result.layout, result.median
        rates = ", ".join(f"{num_examples / one.seconds:.0f}" for one in result.runs)
        sent = sent_bytes(shape, layout)
        table.add_row(
            layout.name,
            f"{num_examples / median:.0f} ({rates})",
            f"{median / medians[SINGLE] - 1:+.1%}",
            f"{communication_share(median, medians[SILENT]):.1%}" if sent else "-",
            f"{sent / MIB:.0f}" if sent else "-",
            f"{result.runs[0].held_bytes / MIB:.0f}",
        )
    console = Console()
    console.print(table)
    console.print(EXPLANATION.format(overhead=medians[SILENT] / medians[SINGLE] - 1))


def communication_share(seconds: float, silent_seconds: float) -> float:
    """Of the time of an epoch, what is gone when nothing is exchanged; at least 0."""
    return max(0.0, 1 - silent_seconds / seconds)


def sent_bytes(shape: Shape, layout: Layout) -> float:
    """By one process for one step, everything in fp32: ZeRO paper, section 7.

    fsdp gathers layers for the forward and again for the backward pass, and all else once.
    """
    if layout.strategy == "single":
        return 0.0
    gradients = shape.num_trained
    moved = 2 * gradients
    if layout.strategy == "fsdp":
        moved = shape.outside + 2 * sum(shape.layers) + gradients
    return FLOAT * moved * (1 - 1 / layout.num_processes)
