"""Options by cost and time in one picture; below and to the left is better."""

import io
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tasks.plan.options import SECONDS_PER_HOUR, Option
from tasks.plan.search import by_cost, front

_QUIET = "#8a94a0"
_STYLE: Any = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
_DOTS_PER_INCH = 130


def draw(options: Sequence[Option]) -> bytes:
    """PNG: one panel per size, a point per option, a line through those that none beats."""
    sizes = list(dict.fromkeys(option.training.encoder.name for option in options))
    with mpl.rc_context(_STYLE):
        figure = Figure((7.5, 3.6 * len(sizes)), layout="constrained")
        panels = figure.subplots(len(sizes), squeeze=False)
        for axes, size in zip(panels[:, 0], sizes, strict=True):
            _draw_size(axes, size, [one for one in options if one.training.encoder.name == size])
        stream = io.BytesIO()
        figure.savefig(stream, format="png", dpi=_DOTS_PER_INCH)
    return stream.getvalue()


def _draw_size(axes: Axes, size: str, options: Sequence[Option]) -> None:
    priced = by_cost(options)
    axes.set_title(f"{size}: training by time and cost", loc="left")
    if not priced:
        axes.text(0.5, 0.5, "none of the options fits", transform=axes.transAxes, ha="center")
        axes.set_axis_off()
        return
    for device in dict.fromkeys(option.place.device for option in priced):
        points = [option for option in priced if option.place.device == device]
        axes.scatter(_hours(points), _dollars(points), s=24, alpha=0.7, label=device)
    best = front(options)
    axes.plot(_hours(best), _dollars(best), color=_QUIET, linewidth=1, zorder=0)
    for option, name in {0: "cheapest", len(best) - 1: "fastest"}.items():
        _name(axes, best[option], name)
    axes.set(xscale="log", yscale="log", xlabel="hours", ylabel="dollars")
    axes.grid(color="#e6e9ec")
    axes.legend(frameon=False, fontsize=8)


def _name(axes: Axes, option: Option, name: str) -> None:
    text = f"{name}: {option.layout.num_processes} x {option.place.name}, {option.strategy}"
    place = (_hours([option])[0], _dollars([option])[0])
    axes.annotate(text, place, xytext=(4, 6), textcoords="offset points", fontsize=8)


def _hours(options: Sequence[Option]) -> list[float]:
    return [(option.seconds or 0) / SECONDS_PER_HOUR for option in options]


def _dollars(options: Sequence[Option]) -> list[float]:
    return [option.dollars or 0 for option in options]
