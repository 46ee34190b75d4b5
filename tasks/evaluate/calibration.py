"""Is a model that says 80 % right in 80 % of such cases?"""

from typing import NamedTuple

import numpy as np

from tasks.evaluate.examples import Floats, Ints


class Reliability(NamedTuple):
    """Bins of equal width by confidence, the empty ones left out; arrays of one length."""

    confidence: Floats  # mean highest probability of the bin's examples
    accuracy: Floats  # share of them whose prediction is the label
    num_examples: Ints


def measure_reliability(probs: Floats, labels: Ints, num_bins: int) -> Reliability:
    """The reliability curve of the predicted class; a confidence of 1 lies in the last bin."""
    confidence = probs.max(axis=1)
    is_right = probs.argmax(axis=1) == labels
    place = np.minimum((confidence * num_bins).astype(np.int64), num_bins - 1)
    count = np.bincount(place, minlength=num_bins)
    total_confidence = np.bincount(place, weights=confidence, minlength=num_bins)
    right = np.bincount(place, weights=is_right, minlength=num_bins)
    full = count > 0
    return Reliability(total_confidence[full] / count[full], right[full] / count[full], count[full])


def expected_calibration_error(curve: Reliability) -> float:
    """ECE, 0 to 1: mean gap of confidence and accuracy, bins weighted by examples (Guo 2017)."""
    gaps = np.abs(curve.confidence - curve.accuracy)
    return float(gaps @ curve.num_examples / curve.num_examples.sum())
