"""Our own series of a training: a line per logged step, there as soon as the step was taken."""

import csv
from pathlib import Path

from tasks.artifacts import whole_file

COLUMNS = (
    "step", "epoch", "train/loss", "train/gradient_norm", "train/learning_rate",
    "train/examples_per_second", "train/peak_memory_mib",
)  # fmt: skip


class StepRecord:
    """A CSV that only grows; no tracker, and no kill of this process, takes anything from it."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def keep_until(self, step: int) -> None:
        """Begin, or go on after `step`: what a killed training wrote beyond it comes again."""
        lines = self._file.read_text().splitlines(keepends=True) if self._file.exists() else []
        kept = [line for line in lines[1:] if _is_whole(line) and _step_of(line) <= step]
        with whole_file(self._file) as stream:
            stream.write("".join([",".join(COLUMNS), "\n", *kept]).encode())

    def append(self, row: dict[str, float]) -> None:
        with self._file.open("a", newline="") as stream:
            csv.DictWriter(stream, COLUMNS, lineterminator="\n").writerow(row)


def _is_whole(line: str) -> bool:
    return line.endswith("\n")  # a full disk may have cut the last one


def _step_of(line: str) -> int:
    return int(line.split(",", 1)[0])
