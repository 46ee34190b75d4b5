import csv
import io

import pytest
from rich.console import Console

from tasks.plan import chart, report
from tasks.plan.options import Option
from tasks.plan.search import rented_options
from tests.tasks.plan.plans import FLAGS, plan_params, tiny_training


@pytest.fixture(scope="module")
def options() -> list[Option]:
    return rented_options(tiny_training(), plan_params(), FLAGS, 0.9)


def test_rows_come_cheapest_first_and_say_both_ranks(options: list[Option]) -> None:
    rows = report.as_rows(options, 0.05)
    fitting = [row for row in rows if row["rank_by_cost"]]
    assert [row["rank_by_cost"] for row in fitting] == list(range(1, len(fitting) + 1))
    assert rows[0]["on_front"]
    assert sorted(row["dollars"] for row in fitting) == [row["dollars"] for row in fitting]
    seconds = [row["seconds"] for row in sorted(fitting, key=lambda row: row["rank_by_time"])]
    assert seconds == sorted(seconds)
    read = list(csv.DictReader(io.StringIO(report.as_csv(rows).decode())))
    assert [row["where"] for row in read] == [row["where"] for row in rows]


def test_the_table_shows_the_best_and_says_how_many_there_were(options: list[Option]) -> None:
    console = Console(width=140, record=True, file=io.StringIO())
    rows = report.as_rows(options, 0.05)
    console.print(report.as_table(rows, "tiny", num_shown=3))
    text = console.export_text()
    assert f"of {len(rows)}" in text
    assert rows[0]["where"] in text
    assert len(report.shown_rows(rows, 3)) < len(rows)


def test_an_explanation_adds_up_to_the_estimate(options: list[Option]) -> None:
    for option in options:
        *terms, last = [term for term in report.explain(option) if "host memory" not in term.name]
        assert last.num_bytes == option.memory.device_bytes
        assert sum(term.num_bytes for term in terms) == last.num_bytes


def test_the_papers_formulas_stand_beside_it(options: list[Option]) -> None:
    four = next(one for one in options if one.strategy == "fsdp" and one.layout.num_shards == 4)
    zero, activations = report.literature(four)
    num_params = four.training.encoder.network.shape.num_params
    assert zero.formula == f"(2 + 2 + 12) B x {num_params / 1e3:.3g} k / 4"
    assert zero.num_bytes == pytest.approx(16 * num_params / 4, abs=3)
    assert "b 8, h 64, a 2" in activations.formula


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, "-"), (59.6, "60 s"), (600, "10 min"), (36_000, "10.0 h")]
)
def test_times_are_written_for_people(seconds: float | None, text: str) -> None:
    assert report.in_time(seconds) == text


def test_the_chart_is_a_picture_even_where_nothing_fits(options: list[Option]) -> None:
    assert chart.draw(options, 0.05).startswith(b"\x89PNG")
    nothing = rented_options(tiny_training(), plan_params(), FLAGS, usable_share=1e-9)
    assert not any(option.fits for option in nothing)
    assert chart.draw(nothing, 0.05).startswith(b"\x89PNG")
