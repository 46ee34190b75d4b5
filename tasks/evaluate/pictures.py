"""The model card's pictures, as SVG with the same bytes each run."""

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tasks.evaluate.baselines import TFIDF
from tasks.evaluate.summary import Scores, Summary

MODEL_COLOUR, BASELINE_COLOUR, QUIET = "#2563a8", "#d98324", "#8a94a0"
_MOST_CELLS_WRITTEN = 12  # classes; with more the numbers in the matrix cannot be read
_LONGEST_NAME = 24
_STYLE: Any = {
    "svg.hashsalt": "model card",  # else the ids within the file are random
    "svg.fonttype": "none",  # the reader's fonts: sharp, and they know more scripts than ours
    "text.parse_math": False,  # a class may be called '$a$'
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": QUIET,
    "axes.axisbelow": True,
    "xtick.color": "#444c55",
    "ytick.color": "#444c55",
}


def draw_pictures(summary: Summary) -> dict[str, bytes]:
    """SVG by file name."""
    return {
        "confusion.svg": _svg(lambda: draw_confusion(summary)),
        "reliability.svg": _svg(lambda: draw_reliability(summary)),
        "per_source.svg": _svg(lambda: draw_sources(summary)),
    }


def draw_confusion(summary: Summary) -> Figure:
    """Shade and per cent: share of the label's examples; below it their number."""
    names = [_short(name) for name in summary.label_set.classes]
    size = len(names)
    side = min(3.2 + 0.55 * size, 14)
    figure = Figure((side, side * 0.85), layout="constrained")
    axes = figure.subplots()
    shares = summary.matrix / np.maximum(summary.matrix.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set(xlabel="predicted", ylabel="label")
    axes.set_xticks(range(size), names, rotation=40 if size > 5 else 0)  # noqa: PLR2004  no touch
    axes.set_yticks(range(size), names)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    for row, column in np.ndindex(shares.shape) if size <= _MOST_CELLS_WRITTEN else ():
        share, number = shares[row, column], summary.matrix[row, column]
        colour = "white" if share > 0.55 else "#1b2733"  # noqa: PLR2004  on a dark cell
        axes.text(column, row, f"{share:.0%}\n{number:,}", color=colour, ha="center", va="center")
    return figure


def draw_reliability(summary: Summary) -> Figure:
    figure = Figure((4.8, 4.3), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
    curve = summary.curve
    above.plot([0, 1], [0, 1], color=QUIET, linestyle="--", linewidth=1, label="perfect")
    above.plot(curve.confidence, curve.accuracy, "o-", color=MODEL_COLOUR, label="model")
    above.set(ylabel="share that is right", ylim=(0, 1.02), xlim=(0, 1.02))
    above.legend(frameon=False, loc="upper left")
    below.bar(curve.confidence, curve.num_examples, width=0.03, color=MODEL_COLOUR, alpha=0.6)
    below.set(xlabel="confidence (probability of the predicted class)", ylabel="examples")
    for axes in (above, below):
        axes.grid(color="#e6e9ec")
    return figure


def draw_sources(summary: Summary) -> Figure:
    """Macro F1 with its interval, the model's above the baseline's; all sources together first."""
    model = {"all sources": summary.overall} | summary.sources
    baseline = {"all sources": summary.baselines[TFIDF]} | summary.baseline_sources[TFIDF]
    figure = Figure((4.8, 1.2 + 0.5 * len(model)), layout="constrained")
    axes = figure.subplots()
    _draw_points(axes, baseline, 0.14, BASELINE_COLOUR, "TF-IDF + logistic regression")
    _draw_points(axes, model, -0.14, MODEL_COLOUR, "model")
    axes.set_yticks(range(len(model)), [_short(name) for name in model])
    axes.set(xlabel="macro F1, with its interval", xlim=(0, 1.02))
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#e6e9ec")
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles[::-1], labels[::-1], loc="outside upper center", ncols=2, frameon=False)
    return figure


def _draw_points(
    axes: Axes, groups: dict[str, Scores], shift: float, colour: str, label: str
) -> None:
    middle = np.array([one.macro_f1 for one in groups.values()])
    ends = np.array([one.intervals.macro_f1 for one in groups.values()])
    # the point is no quantile of its resamples, so with few examples it can lie outside of them
    reach = np.maximum([middle - ends[:, 0], ends[:, 1] - middle], 0)
    axes.errorbar(
        middle, np.arange(len(groups)) + shift, xerr=reach, fmt="o", color=colour, capsize=3,
        label=label,
    )  # fmt: skip


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def _svg(draw: Callable[[], Figure]) -> bytes:
    stream = io.BytesIO()
    with _style():
        draw().savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return stream.getvalue()


@contextmanager
def _style() -> Iterator[None]:
    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        # only measured with our font; the reader's draws it
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield
