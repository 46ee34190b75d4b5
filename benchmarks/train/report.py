"""The table that the training benchmark ends with, and whether its targets are met."""

import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from benchmarks.train.contest import OURS, TRAINER, TUNED, Result

COLUMNS = (
    "contestant", "examples/s, median (runs)", "tokens/s", "MFU", "against Trainer", "tuned",
)  # fmt: skip


class Load(NamedTuple):
    """Of one epoch, and what the machine could do at best."""

    num_examples: int
    num_tokens: int  # without padding
    flops: float
    peaks: Mapping[bool, float]  # FLOP/s, by whether in bf16


def print_report(title: str, load: Load, results: Sequence[Result], target: float) -> None:
    medians = {one.contestant.name: statistics.median(one.seconds) for one in results}
    table = Table(title=title)
    for column in COLUMNS:
        table.add_column(column)
    for contestant, seconds in results:
        median = medians[contestant.name]
        runs = ", ".join(f"{load.num_examples / one:.0f}" for one in seconds)
        table.add_row(
            contestant.name,
            f"{load.num_examples / median:.0f} ({runs})",
            f"{load.num_tokens / median:.0f}",
            f"{utilisation(load, median, contestant.is_bf16):.1%}",
            f"{medians[TRAINER] / median:.2f} x",
            f"{medians[TUNED] / median:.2f} x",
        )
    console = Console()
    console.print(table)
    ratio = medians[TRAINER] / medians[OURS]
    verdict = "met" if ratio >= target else "MISSED"
    console.print(f"{OURS}: {ratio:.2f} x Trainer, target {target} x: {verdict}")
    console.print(
        f"MFU is of the largest matrix product measured beside it, in the contestant's precision: "
        f"bf16 {load.peaks[True] / 1e12:.3g}, fp32 {load.peaks[False] / 1e12:.3g} TFLOP/s."
    )


def utilisation(load: Load, seconds: float, is_bf16: bool) -> float:
    """Model FLOPs utilisation: PaLM (Chowdhery et al. 2022), section 4.1."""
    return load.flops / seconds / load.peaks[is_bf16]
