"""The report's pictures, as SVG that goes into the page; the same bytes for the same report."""

import io
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from tasks.monitor.drops import MEASURES
from tasks.monitor.report import Finding, Quality, Report

_CALM, _FIRED, _QUIET = "#2563a8", "#c2410c", "#8a94a0"
_STYLE: Any = {
    "svg.hashsalt": "monitor",  # else the ids within the file are random
    "svg.fonttype": "none",
    "text.parse_math": False,  # a part may be called '$a$'
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": _QUIET,
    "axes.axisbelow": True,
}


def draw_pictures(report: Report) -> list[str]:
    """Inline SVG: drift of the newest window, quality and volume over the windows."""
    drifts = [
        one for one in report.findings
        if not one.part and one.name not in MEASURES and one.windows[-1].value is not None
    ]  # fmt: skip
    quality = [
        one for one in report.quality
        if not one.part and one.version == report.version and one.accuracy is not None
    ]  # fmt: skip
    pictures = []
    if drifts:
        pictures.append(_svg(lambda: _draw_drift(drifts)))
    if quality:
        pictures.append(_svg(lambda: _draw_quality(quality, report)))
    if report.windows:
        pictures.append(_svg(lambda: _draw_volume(report)))
    return pictures


def _draw_drift(findings: Sequence[Finding]) -> Figure:
    """Each effect in units of its bound, so that all share one axis; 0.5 of an AUC is none."""
    figure = Figure((6.4, 1.0 + 0.3 * len(findings)), layout="constrained")
    axes = figure.subplots()
    reach = [_in_bounds(one) for one in findings]
    colours = [_FIRED if one.fired else _CALM for one in findings]
    axes.barh(range(len(findings)), reach, color=colours, height=0.6)
    axes.axvline(1.0, color=_QUIET, linestyle="--", linewidth=1)
    axes.set_yticks(range(len(findings)), [one.name for one in findings])
    axes.set(xlabel="effect in the newest window, as a share of its bound", xlim=(0, None))
    axes.invert_yaxis()
    return figure


def _in_bounds(finding: Finding) -> float:
    nothing = 0.5 if finding.measure == "AUC" else 0.0
    value, bound = finding.windows[-1].value or nothing, finding.bound or 1.0
    return max(0.0, (value - nothing) / (bound - nothing))


def _draw_quality(quality: Sequence[Quality], report: Report) -> Figure:
    figure = Figure((6.4, 2.8), layout="constrained")
    axes = figure.subplots()
    places = [one.window for one in quality]
    middle = np.array([one.accuracy for one in quality], dtype=float)
    ends = np.array([(one.low, one.high) for one in quality], dtype=float)
    reach = np.maximum([middle - ends[:, 0], ends[:, 1] - middle], 0)
    axes.errorbar(places, middle, yerr=reach, fmt="o", color=_CALM, capsize=3, label="corrected")
    others = np.array([one.at_most for one in quality], dtype=float)
    axes.plot(places, others, "^", color=_QUIET, label="if all others were right")
    if report.test_accuracy is not None:
        axes.axhline(report.test_accuracy, color=_QUIET, linestyle="--", label="test split")
    _name_windows(axes, report)
    axes.set(ylabel="share of right answers", ylim=(0, 1.02))
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    return figure


def _draw_volume(report: Report) -> Figure:
    figure = Figure((6.4, 2.2), layout="constrained")
    axes = figure.subplots()
    numbers = [one.num_predictions for one in report.windows]
    axes.bar(range(len(numbers)), numbers, color=_CALM, width=0.6)
    _name_windows(axes, report)
    axes.set(ylabel="predictions")
    return figure


def _name_windows(axes: Any, report: Report) -> None:
    names = [one.end.strftime("%m-%d %H:%M") for one in report.windows]
    axes.set_xticks(range(len(names)), names, rotation=40 if len(names) > 5 else 0)  # noqa: PLR2004
    axes.set(xlim=(-0.6, len(names) - 0.4), xlabel="window until, UTC")


def _svg(draw: Callable[[], Figure]) -> str:
    stream = io.StringIO()
    with mpl.rc_context(_STYLE):
        draw().savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    whole = stream.getvalue()
    return whole[whole.index("<svg") :]  # the declarations before it are for a file of its own
