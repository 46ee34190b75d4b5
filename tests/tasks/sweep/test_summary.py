from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from tasks.sweep.summary import (
    WINNER,
    Outcome,
    Summary,
    read_summary,
    write_summary,
    write_winner,
)

KEY = "train.learning.learning_rate"


def outcome(number: int, state: Any, epochs: int, macro_f1: float | None) -> Outcome:
    return Outcome(
        number=number, state=state, values={KEY: number / 10}, epochs=epochs, macro_f1=macro_f1,
        reason="",
    )  # fmt: skip


def summary(*outcomes: Outcome) -> Summary:
    return Summary(name="first", max_epochs=4, outcomes=list(outcomes))


def test_the_best_complete_trial_wins_whatever_a_pruned_one_once_had(tmp_path: Path) -> None:
    found = summary(
        outcome(0, "complete", 4, 0.6), outcome(1, "pruned", 1, 0.9),
        outcome(2, "complete", 4, 0.7), outcome(3, "complete", 4, 0.7),
        outcome(4, "diverged", 0, None),
    )  # fmt: skip
    assert found.winner == found.outcomes[2]
    assert found.in_one_line().startswith("trial 2 won with macro F1 0.7000")
    assert found.in_one_line().endswith("13 of 20 epochs spent (65%)")
    write_winner(found, tmp_path)
    lines = yaml.safe_load((tmp_path / WINNER).read_text())
    assert lines == [f"{KEY}=0.2", "train.learning.max_epochs=4"]


def test_who_waits_or_runs_is_left_to_do_and_wins_nothing() -> None:
    found = summary(outcome(0, "waiting", 0, None), outcome(1, "running", 2, 0.9))
    assert (found.num_left, found.winner, found.winners_assignments()) == (2, None, [])


def test_the_table_has_the_best_first_and_every_searched_key() -> None:
    found = summary(outcome(0, "pruned", 1, 0.5), outcome(1, "complete", 4, 0.6))
    assert [row["trial"] for row in found.as_rows()] == ["1", "0"]
    console = Console(width=80)
    with console.capture() as captured:
        console.print(found.as_table())
    text = captured.get()
    assert "learning_rate" in text
    assert "0.6000" in text


def test_a_summary_is_read_as_it_was_written(tmp_path: Path) -> None:
    found = summary(outcome(0, "pruned", 1, 0.5))
    write_summary(found, tmp_path)
    assert read_summary(tmp_path) == found
