"""Options by cost and time in one picture; below and to the left is better."""

import io
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tasks.plan.options import Option
from tasks.plan.search import by_cost, front

_QUIET = "#8a94a0"
_STYLE: Any = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
_DOTS_PER_INCH = 130
_SECONDS_PER_MINUTE = 60


def draw(options: Sequence[Option], noticeable_share: float) -> bytes:
    """PNG: one panel per size, a point per option, a line through those worth choosing."""
    sizes = list(dict.fromkeys(option.training.encoder.name for option in options))
    devices = sorted({option.place.device for option in by_cost(options)})
    colours = {device: f"C{index}" for index, device in enumerate(devices)}
    with mpl.rc_context(_STYLE):
        figure = Figure((7.5, 3.6 * len(sizes)), layout="constrained")
        panels = figure.subplots(len(sizes), squeeze=False)
        for axes, size in zip(panels[:, 0], sizes, strict=True):
            own = [option for option in options if option.training.encoder.name == size]
            axes.set_title(f"{size}: training by time and cost", loc="left")
            _draw_size(axes, own, front(own, noticeable_share), colours)
        stream = io.BytesIO()
        figure.savefig(stream, format="png", dpi=_DOTS_PER_INCH)
    return stream.getvalue()


def _draw_size(
    axes: Axes, options: Sequence[Option], best: list[Option], colours: dict[str, str]
) -> None:
    priced = by_cost(options)
    if not priced:
        axes.text(0.5, 0.5, "none of the options fits", transform=axes.transAxes, ha="center")
        axes.set_axis_off()
        return
    for device, colour in colours.items():
        points = [option for option in priced if option.place.device == device]
        axes.scatter(*_places(points), s=24, alpha=0.7, label=device, color=colour)
    axes.plot(*_places(best), color=_QUIET, linewidth=1, zorder=0)
    for option, name in {0: "cheapest", len(best) - 1: "fastest"}.items():
        _name(axes, best[option], name)
    axes.set(xscale="log", yscale="log", xlabel="minutes", ylabel="dollars")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter("")
    axes.grid(color="#e6e9ec")
    axes.legend(frameon=False, fontsize=8)


def _name(axes: Axes, option: Option, name: str) -> None:
    text = f"{name}: {option.layout.num_processes} x {option.place.name}, {option.strategy}"
    (minutes,), (dollars,) = _places([option])
    axes.annotate(text, (minutes, dollars), xytext=(4, 6), textcoords="offset points", fontsize=8)


def _places(options: Sequence[Option]) -> tuple[list[float], list[float]]:
    """Minutes and dollars."""
    minutes = [(option.seconds or 0) / _SECONDS_PER_MINUTE for option in options]
    return minutes, [option.dollars or 0 for option in options]
