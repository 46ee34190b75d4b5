"""A plan as rows for files, and as a table and lines that a person reads."""

import csv
import io
from collections.abc import Sequence
from typing import Any

from rich.table import Table

from tasks.plan.options import SECONDS_PER_HOUR, Option
from tasks.plan.search import by_cost, by_time, front
from tasks.sizing.activations import korthikanti_bytes
from tasks.sizing.state import ZERO_PAPER, Counts, stage_of, state_terms
from tasks.sizing.terms import Term, in_bytes, short, total

_MINUTES_PER_HOUR = 60
Row = dict[str, Any]


def as_rows(options: Sequence[Option], noticeable_share: float) -> list[Row]:
    """One row per option, cheapest first, then those without a price, last what does not fit."""
    cost, duration = _ranks(by_cost(options)), _ranks(by_time(options))
    best = {id(option) for option in front(options, noticeable_share)}
    rows = [
        {
            "size": option.training.encoder.name,
            "where": option.place.name,
            "devices": option.layout.num_processes,
            "nodes": option.layout.num_nodes,
            "strategy": option.strategy,
            "fits": option.fits,
            "bytes_per_device": option.memory.device_bytes,
            "bytes_on_host": option.memory.host_bytes,
            "usable_bytes": option.place.usable_bytes,
            "largest_batch": option.largest_batch,
            "seconds": option.seconds,
            "dollars": option.dollars,
            "rank_by_cost": cost.get(id(option)),
            "rank_by_time": duration.get(id(option)),
            "on_front": id(option) in best,
            "throughput": option.place.pace.basis,
            "price_date": option.place.price.date if option.place.price else None,
        }
        for option in options
    ]
    return sorted(rows, key=lambda row: (not row["fits"], row["rank_by_cost"] or len(rows)))


def as_csv(rows: Sequence[Row]) -> bytes:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue().encode()


def as_table(rows: Sequence[Row], title: str, num_shown: int) -> Table:
    """The cheapest and the fastest; `*` marks those with none as fast among the cheaper."""
    table = Table(title=title, caption=_caption(rows, num_shown), title_justify="left")
    for column in ("by cost", "by time", "devices", "strategy", "memory", "batch", "time", "cost"):
        is_text = column in ("devices", "strategy")
        table.add_column(column, justify="left" if is_text else "right", overflow="fold")
    for row in shown_rows(rows, num_shown):
        table.add_row(
            f"{'* ' if row['on_front'] else ''}{row['rank_by_cost'] or '-'}",
            str(row["rank_by_time"] or "-"),
            f"{row['devices']} x {row['where']}",
            row["strategy"],
            in_bytes(row["bytes_per_device"]),
            f"{row['largest_batch']:,}",
            in_time(row["seconds"]),
            in_dollars(row["dollars"]),
        )
    return table


def shown_rows(rows: Sequence[Row], num_shown: int) -> list[Row]:
    """The first by cost, by time and of the front; all of one's own."""
    return [
        row
        for row in rows
        if row["fits"]
        and (
            row["on_front"]
            or (row["rank_by_cost"] or num_shown + 1) <= num_shown
            or (row["rank_by_time"] or num_shown + 1) <= num_shown // 2
            or row["price_date"] is None
        )
    ]


def explain(option: Option) -> list[Term]:
    """Line by line what a device holds, ending with the sum."""
    memory = option.memory
    device = [term for term in memory.terms if not term.on_host]
    host = [
        term._replace(name=f"{term.name}, in host memory") for term in memory.terms if term.on_host
    ]
    return [*device, Term(f"all, at the {memory.moment}", memory.device_bytes, "sum"), *host]


def literature(option: Option) -> list[Term]:
    """What the papers' formulas give for the same training, to compare."""
    network, layout, load = option.training.encoder.network, option.layout, option.training.load
    stage, num_shards = stage_of(layout), layout.num_shards
    counts = Counts(network.shape.num_params, network.shape.num_params)
    states = state_terms(counts, ZERO_PAPER, stage, num_shards)
    divided = f" / {num_shards}" if stage else ""
    formula = f"(2 + 2 + 12) B x {short(counts.held)}{divided}"
    recipe = load.recipe(layout.num_processes)
    layers = len(network.shape.layers)
    heads = option.training.encoder.num_heads
    width = option.training.encoder.hidden_size
    per_layer = korthikanti_bytes(recipe.num_rows, recipe.num_tokens, width, heads)
    text = f"{layers} x s b h (34 + 5 a s / h), s {recipe.num_tokens}, b {recipe.num_rows}"
    return [
        Term(f"ZeRO paper, stage {stage}, mixed-precision Adam", total(states), formula),
        Term("Korthikanti et al., activations in half precision", layers * per_layer,
             f"{text}, h {width}, a {heads}"),
    ]  # fmt: skip


def in_time(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    if seconds < 2 * _MINUTES_PER_HOUR:
        return f"{seconds:.0f} s"
    if seconds < 2 * SECONDS_PER_HOUR:
        return f"{seconds / _MINUTES_PER_HOUR:.0f} min"
    return f"{seconds / SECONDS_PER_HOUR:,.1f} h"


def in_dollars(dollars: float | None) -> str:
    return "-" if dollars is None else f"${dollars:,.2f}"


def _ranks(options: Sequence[Option]) -> dict[int, int]:
    return {id(option): rank for rank, option in enumerate(options, start=1)}


def _caption(rows: Sequence[Row], num_shown: int) -> str:
    num_fit = sum(row["fits"] for row in rows)
    return (
        f"{len(shown_rows(rows, num_shown))} of the {num_fit} that fit, of {len(rows)}; "
        "*: none cheaper is as fast; memory: per device; batch: the largest that fits"
    )
