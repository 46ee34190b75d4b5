"""The proof as a picture: the withheld source turn by turn, and what each source gained or lost."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.demo.proof import Compared
from benchmarks.demo.scenario import Scenario

_OURS, _OTHERS, _FAINT = "#1f6f8b", "#5d7a86", "#999999"


class Figures(NamedTuple):
    ours: Sequence[Compared]  # each later turn against the first
    others: Sequence[Compared]  # the last turn against the first
    versions: Sequence[str]  # live at the end of each turn


def draw(figures: Figures, scenario: Scenario, target: Path) -> None:
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(9, 3.6), layout="constrained")
        curve, gains = figure.subplots(1, 2, width_ratios=[5, 4])
        _draw_curve(curve, figures, scenario.withheld)
        _draw_gains(gains, figures, scenario)
        figure.savefig(target, dpi=150)


def _draw_curve(axes: Axes, figures: Figures, withheld: str) -> None:
    """Macro F1 of each turn's release; the bars are of the gain on turn 1, which is paired."""
    start = figures.ours[0].gain.champion
    scores = [start, *(one.gain.candidate for one in figures.ours)]
    below = [0.0, *(one.gain.candidate - start - one.gain.low for one in figures.ours)]
    above = [0.0, *(one.gain.high - one.gain.candidate + start for one in figures.ours)]
    places = range(1, len(scores) + 1)
    axes.errorbar(places, scores, yerr=[below, above], marker="o", capsize=4, color=_OURS)
    axes.axhline(start, color=_FAINT, linewidth=0.8, linestyle="--")
    for place, score in zip(places, scores, strict=True):
        axes.annotate(f"{score:.3f}", (place, score), (7, -11), textcoords="offset points")
    axes.set_xticks(list(places), [f"{n}\n{name}" for n, name in enumerate(figures.versions, 1)])
    axes.margins(y=0.1)
    axes.set_xlim(0.8, len(scores) + 0.5)
    axes.set(xlabel="turn, and the release live at its end", ylabel="macro F1")
    title = f"{withheld}: {figures.ours[0].num_rows:,} texts that no model has learnt from"
    axes.set_title(title, loc="left")


def _draw_gains(axes: Axes, figures: Figures, scenario: Scenario) -> None:
    shown = [*reversed(figures.others), figures.ours[-1]]
    names = [*(f"{one.name} ({one.num_rows:,})" for one in shown[:-1]), scenario.withheld]
    for place, one in enumerate(shown):
        gain = one.gain
        points = 100 * (gain.candidate - gain.champion)
        error = [[points - 100 * gain.low], [100 * gain.high - points]]
        color = _OURS if one is shown[-1] else _OTHERS
        axes.errorbar([points], [place], xerr=error, marker="o", capsize=4, color=color)
        axes.annotate(f"{points:+.1f}", (points, place), (0, 6), textcoords="offset points",
                      ha="center", color=color)  # fmt: skip
    axes.axvline(0, color=_FAINT, linewidth=0.8)
    axes.axvline(-100 * scenario.max_loss, color=_FAINT, linewidth=0.8, linestyle=":")
    axes.set_yticks(range(len(shown)), names)
    axes.set_ylim(-0.6, len(shown) - 0.4)
    axes.set(xlabel="points of macro F1, last turn less first (95 %)")
    axes.set_title("by source; dotted: loss allowed", loc="left")
