"""How far two samples differ, each time as an effect with a chance: a drift needs both.

With rows enough any difference is significant, and with few any effect turns up by luck.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats
from scipy.spatial.distance import jensenshannon

Floats = npt.NDArray[np.float64]
Names = npt.NDArray[np.object_]


class Measured(NamedTuple):
    """`value` is the effect, in the measure's own unit."""

    value: float
    p: float
    divergence: float | None  # Jensen-Shannon distance, base 2: 0 to 1


def compare_numbers(reference: Floats, seen: Floats, num_bins: int) -> Measured:
    """Kolmogorov and Smirnov: the largest gap between the two distribution functions."""
    found = stats.ks_2samp(reference, seen, method="asymp")
    edges = np.unique(np.quantile(reference, np.linspace(0, 1, num_bins + 1)[1:-1]))
    binned = [
        np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
        for values in (reference, seen)
    ]
    return Measured(float(found.statistic), float(found.pvalue), divergence_of(*binned))


def compare_names(reference: Names, seen: Names) -> Measured:
    """Total variation, half the sum of differences of shares, with a chi-square test."""
    names = sorted({*reference, *seen})
    counts = np.array([[np.sum(rows == name) for name in names] for rows in (reference, seen)])
    shares = counts / counts.sum(axis=1, keepdims=True)
    distance = float(np.abs(shares[0] - shares[1]).sum() / 2)
    if len(names) == 1:
        return Measured(distance, 1.0, 0.0)
    p = float(stats.chi2_contingency(counts, correction=False).pvalue)
    return Measured(distance, p, divergence_of(*counts))


def divergence_of(reference: npt.ArrayLike, seen: npt.ArrayLike) -> float:
    distance = float(jensenshannon(reference, seen, base=2))
    return distance if math.isfinite(distance) else 0.0  # rounding below 0 under its root


def correct(chances: list[float]) -> list[float]:
    """Benjamini and Hochberg: of all that is then called a difference, so large a share is none."""
    return stats.false_discovery_control(chances).tolist() if chances else []


def wilson(num_right: int, number: int, level: float) -> tuple[float, float]:
    interval = stats.binomtest(num_right, number).proportion_ci(level, method="wilson")
    return max(0.0, float(interval.low)), min(1.0, float(interval.high))


def chance_of_drop(before: Sequence[int], after: Sequence[int]) -> float:
    """Of as large a fall in the share of right answers by luck: Fisher's exact test, one-sided.

    Args:
        before: right answers, and all.
        after: likewise.
    """
    table = [[right, number - right] for right, number in (before, after)]
    return float(stats.fisher_exact(table, alternative="greater").pvalue)
