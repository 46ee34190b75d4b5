"""What the votes of people who correct predictions say, each by how far that person is believed."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tasks.label.labels import Labels
from tasks.label.metrics import Metrics
from tasks.label.raters import RaterVotes
from tasks.label.reliability import (
    ALMOST_NONE,
    Standing,
    measure_standing,
    ramp,
    sum_by_class,
    sum_by_rater,
)
from tasks.text import match_key
from tasks.votes import (
    UNLABELLED,
    Floats,
    Ints,
    LabelParams,
    ScaleVotes,
    TrustParams,
    class_of,
    vote_numbers,
)

_ROUNDS_OF_CAPPING = 50


@dataclass(frozen=True)
class Corrections:
    """Which rows of a table are corrections, the text of all rows, and who said what of those."""

    rows: npt.NDArray[np.bool_]
    texts: list[str]  # of all rows; empty where there is no correction
    votes: RaterVotes


@dataclass(frozen=True)
class Trusted:
    """Labels by weighted votes, and what became known of the raters, by name."""

    labels: Labels
    reliability: dict[str, float]  # 1: as good as the crowd, or somewhat better by chance
    weight: dict[str, float]  # of their votes, 0 to 1
    each: Floats  # (votes,): what each counts, where others and their rater's share are minded
    num_capped: int  # votes beyond their rater's share, which count nothing
    largest_share: float  # of one rater, in the weight of all corrections

    def measure(self) -> Metrics:
        """For DVC."""
        distrusted = sum(weight == 0 for weight in self.weight.values())
        return {
            "distrusted_raters": distrusted, "capped_votes": self.num_capped,
            "largest_share_of_a_rater": self.largest_share,
        }  # fmt: skip


def apply_trust(labels: Labels, corrections: Corrections, params: LabelParams) -> Trusted:
    """Labels of corrected rows by weighted votes: none where they weigh less than `min_weight`."""
    votes = corrections.votes
    if not votes.names:
        return Trusted(labels, {}, {}, np.empty(0), 0, 0.0)
    num_known = int((labels.classes[~corrections.rows] != UNLABELLED).sum())
    known, keys = find_known(labels, corrections)
    standing = measure_standing(votes, known, keys, params.trust)
    weight = ramp(standing.reliability, params.trust)
    heard = bound_newcomers(weight, standing, votes, params.trust)
    each = cap(heard, votes, num_known, params.trust)
    given = sum_by_rater(votes, each)
    return Trusted(
        reweigh(labels, corrections, each, params),
        dict(zip(votes.names, standing.reliability.tolist(), strict=True)),
        dict(zip(votes.names, weight.tolist(), strict=True)),
        each,
        int(((heard > 0) & (each == 0)).sum()),
        float(given.max() / max(given.sum(), ALMOST_NONE)),
    )


def find_known(labels: Labels, corrections: Corrections) -> tuple[Floats, Ints]:
    """For each row the shares of the known votes on its text, (rows, classes), else NaN; and a
    number for its match key, (rows,): variants of one text are one piece of evidence."""
    known = np.full(labels.probs.shape, np.nan)
    keys = np.full(len(corrections.rows), -1)
    of_key = {
        match_key(corrections.texts[row]): row
        for row in np.flatnonzero(~corrections.rows & (labels.classes != UNLABELLED))
    }
    numbers: dict[str, int] = {}
    for row in np.flatnonzero(corrections.rows):
        key = match_key(corrections.texts[row])
        keys[row] = numbers.setdefault(key, len(numbers))
        if (same := of_key.get(key)) is not None:
            known[row] = labels.probs[same]
    return known, keys


def bound_newcomers(
    weight: Floats, standing: Standing, votes: RaterVotes, params: TrustParams
) -> Floats:
    """The weight of each vote: newcomers all together weigh at most `max_newcomer_factor` times as
    much as the people of proof on the text, once those alone are enough for a label.

    What a person weighs is proven in part; the rest counts as a newcomer's. No text that weighed
    `min_weight` falls below it by this.
    """
    proof, each = standing.proof[votes.rater], weight[votes.rater]
    proven = np.bincount(votes.row, weights=each * proof)
    others = np.bincount(votes.row, weights=each * (1 - proof))
    covered = np.minimum(proven / params.min_weight, 1.0)
    most = np.maximum(params.max_newcomer_factor * proven, params.min_weight - proven)
    heard = (1 - covered) * others + covered * np.minimum(others, most)
    part = np.divide(heard, others, out=np.ones(len(others)), where=others > 0)
    bounded: Floats = each * (proof + (1 - proof) * part[votes.row])
    return bounded


def cap(each: Floats, votes: RaterVotes, num_known: int, params: TrustParams) -> Floats:
    """The weight of each vote, 0 for those beyond their rater's share: the first rows count.

    Nobody has more than `max_share_per_rater` of the votes that count and the known labels
    together, or an equal part where nothing is known and all would have more.
    """
    counted = np.flatnonzero(each > 0)
    num_votes = np.bincount(votes.rater[counted], minlength=len(votes.names))
    share = params.max_share_per_rater
    if not num_known:
        share = max(share, 1 / max(int(np.count_nonzero(num_votes)), 1))
    most = float(num_votes.max()) if len(num_votes) else 0.0
    for _ in range(_ROUNDS_OF_CAPPING):  # what is cut makes the whole smaller, and so the cap
        most = min(most, share * (num_known + float(np.minimum(num_votes, most).sum())))
    order = counted[np.lexsort((votes.row[counted], votes.rater[counted]))]
    first = np.cumsum(num_votes) - num_votes
    turn = np.arange(len(order)) - first[votes.rater[order]]
    capped = np.zeros(len(each))
    kept = order[turn < max(most, 1.0)]
    capped[kept] = each[kept]
    return capped


def reweigh(labels: Labels, corrections: Corrections, each: Floats, params: LabelParams) -> Labels:
    """The corrected rows' classes, shares and means, every vote counting by its weight."""
    votes, rows = corrections.votes, corrections.rows
    sums = sum_by_class(votes, each, labels.probs.shape)
    total = sums.sum(axis=1)
    shares = np.divide(sums, total[:, None], out=np.full(sums.shape, np.nan), where=sums > 0)
    shares = np.where(total[:, None] > 0, np.nan_to_num(shares), np.nan)
    classes, means = sums.argmax(axis=1), labels.means
    if isinstance(params.votes, ScaleVotes) and means is not None:
        numbers = each * vote_numbers(votes.written, params.votes)
        summed = np.bincount(votes.row, weights=numbers, minlength=len(rows))
        weighted = np.divide(summed, total, out=np.full(len(rows), np.nan), where=total > 0)
        classes, means = class_of(weighted, params.votes), np.where(rows, weighted, means)
    classes = np.where(total < params.trust.min_weight, UNLABELLED, classes)
    return replace(
        labels,
        classes=np.where(rows, classes, labels.classes),
        probs=np.where(rows[:, None], shares, labels.probs),
        means=means,
    )
