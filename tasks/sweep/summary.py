"""What a sweep has found so far: its trials in a table, and the winner as a patch of params."""

from pathlib import Path
from typing import Any, Literal

import yaml
from rich.table import Table

from tasks.artifacts import whole_file
from tasks.errors import InputError
from tasks.params import Params
from tasks.sweep.params import Value
from tasks.sweep.space import MAX_EPOCHS, as_assignments

SUMMARY, WINNER = "summary.json", "winner.yaml"
_NUM_OWN = 4  # columns of every sweep; the searched keys come after


class Outcome(Params):
    """How one trial stands, or has ended."""

    number: int
    state: Literal["waiting", "running", "complete", "pruned", "diverged"]
    values: dict[str, Value]
    epochs: int
    macro_f1: float | None  # on the validation split: of the epoch that is kept, else the highest
    reason: str  # why it diverged

    @property
    def has_ended(self) -> bool:
        return self.state not in ("waiting", "running")

    def as_metrics(self) -> dict[str, Any]:
        """As `dvc metrics show` reads them."""
        score = {} if self.macro_f1 is None else {"macro_f1": self.macro_f1}
        return {"state": self.state, "epochs": self.epochs, **score}

    def in_one_line(self) -> str:
        score = "" if self.macro_f1 is None else f", macro F1 {self.macro_f1:.4f}"
        return f"{self.state} after {self.epochs} epochs{score}"


class Summary(Params):
    name: str
    max_epochs: int  # of one trial
    outcomes: list[Outcome]

    @property
    def num_left(self) -> int:
        return sum(not outcome.has_ended for outcome in self.outcomes)

    @property
    def epochs(self) -> int:
        return sum(outcome.epochs for outcome in self.outcomes)

    @property
    def winner(self) -> Outcome | None:
        """The best of those that were trained to their end; of equals the first."""
        complete = [one for one in self.outcomes if one.state == "complete"]
        return max(complete, key=lambda one: (one.macro_f1 or 0.0, -one.number), default=None)

    def winners_assignments(self) -> list[str]:
        """With them stage train repeats the winner; empty while there is none."""
        if self.winner is None:
            return []
        return as_assignments({**self.winner.values, MAX_EPOCHS: self.max_epochs})

    def in_one_line(self) -> str:
        best = self.winner
        found = (
            f"trial {best.number} won with macro F1 {best.macro_f1:.4f}" if best else "no winner"
        )
        full = len(self.outcomes) * self.max_epochs
        share = f"{self.epochs} of {full} epochs spent ({self.epochs / full:.0%})"
        return f"{found} on the validation split; {share}"

    def as_rows(self) -> list[dict[str, str]]:
        """Best first, then those without a score; one cell per searched key."""
        ranked = sorted(self.outcomes, key=lambda one: (-(one.macro_f1 or 0.0), one.number))
        keys = list(dict.fromkeys(key for one in ranked for key in one.values))
        return [
            {
                "trial": str(one.number),
                "state": one.state,
                "macro F1": "" if one.macro_f1 is None else f"{one.macro_f1:.4f}",
                "epochs": str(one.epochs),
                **{key.rsplit(".", 1)[-1]: _shown(one.values.get(key)) for key in keys},
            }
            for one in ranked
        ]

    def as_table(self) -> Table:
        rows = self.as_rows()
        table = Table(title=f"Sweep {self.name}", title_justify="left")
        for place, column in enumerate(rows[0]):
            justify: Literal["left", "right"] = "left" if column == "state" else "right"
            table.add_column(column, justify=justify, no_wrap=place < _NUM_OWN, overflow="fold")
        for row in rows:
            table.add_row(*row.values())
        return table


def write_summary(summary: Summary, folder: Path) -> None:
    with whole_file(folder / SUMMARY) as stream:
        stream.write(summary.model_dump_json(indent=2).encode())


def read_summary(folder: Path) -> Summary:
    try:
        return Summary.model_validate_json((folder / SUMMARY).read_bytes())
    except FileNotFoundError:
        raise InputError(f"{folder / SUMMARY}: no such file. Begin the sweep first.") from None


def write_winner(summary: Summary, folder: Path) -> None:
    """A list of `key=value`, each an override of a run, under a line that says where it is from."""
    text = yaml.safe_dump(summary.winners_assignments(), allow_unicode=True, width=float("inf"))
    with whole_file(folder / WINNER) as stream:
        stream.write(f"# sweep {summary.name}: {summary.in_one_line()}\n{text}".encode())


def _shown(value: Value) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
