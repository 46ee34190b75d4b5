"""How far the raters of a source agree beyond chance: Krippendorff's alpha."""

import logging

import numpy as np
import pyarrow as pa

from tasks.votes import (
    UNLABELLED,
    Ints,
    LabelParams,
    ScaleVotes,
    flatten,
    vote_classes,
    vote_numbers,
)

log = logging.getLogger(__name__)


def count_values(votes: pa.ListArray, params: LabelParams) -> tuple[list[float], Ints]:
    """Distinct votes within the rules, ascending, and how often each row has each: (rows, values).

    On a scale the values are the numbers themselves, otherwise the indices of the classes.
    """
    flat, row = flatten(votes)
    if isinstance(params.votes, ScaleVotes):
        numbers = vote_numbers(flat, params.votes)
        known = ~np.isnan(numbers)
        values, index = np.unique(numbers[known], return_inverse=True)
    else:
        classes = vote_classes(flat, params)
        known = classes != UNLABELLED
        values, index = np.unique(classes[known], return_inverse=True)
    cells = np.bincount(row[known] * len(values) + index, minlength=len(votes) * len(values))
    return values.tolist(), cells.reshape(len(votes), len(values))


def measure_alpha(votes: pa.ListArray, params: LabelParams, where: str) -> float | None:
    """Alpha of some rows: 1 is full agreement, 0 what chance gives, below 0 worse than chance.

    Differences count squared on a scale (interval) and all the same between names (nominal). None,
    with the reason in the log under the name `where`, if no row has two votes or all votes are
    equal: alpha is undefined then.
    """
    import krippendorff  # noqa: PLC0415  only here, for a quick start of everything else

    values, counts = count_values(votes, params)
    counts = counts[counts.sum(axis=1) > 1]  # a lone vote has no partner to agree with
    step = max(1, -(-len(counts) * len(values) ** 2 // params.alpha_max_cells))
    if step > 1:
        counts = counts[::step]
        log.info("%s: alpha from every %s. of the rows (alpha_max_cells)", where, step)
    if not len(counts) or (counts.sum(axis=0) > 0).sum() < 2:  # noqa: PLR2004  a difference takes two
        log.info(
            "%s: no alpha, which takes rows of two votes or more and two different votes", where
        )
        return None
    level = "interval" if isinstance(params.votes, ScaleVotes) else "nominal"
    alpha = krippendorff.alpha(value_counts=counts, value_domain=values, level_of_measurement=level)
    return float(alpha)
