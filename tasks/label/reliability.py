"""How far each person who corrects predictions is believed.

Reliability is agreement over the agreement that a person of the crowd would have: 1 is as good as
anybody, whatever the texts. On a text whose label is known from files, a vote agrees by the share
of the known votes for its class, in that of the most frequent class. What the crowd would have
there is what one of the known votes has in the mean, less as far as all who are trusted have less.
On a text that others corrected, too, a vote agrees by the same share of their votes, each by its
weight, and the crowd by the mean over all trusted votes. Weights follow from reliability and
reliability from weights, so that is done in rounds. A newcomer is credited with `prior_votes` of
reliability 1; whoever is alone with their texts keeps that.
"""

from typing import NamedTuple

import numpy as np

from tasks.label.raters import RaterVotes
from tasks.votes import Floats, Ints, TrustParams

ALMOST_NONE = 1e-9


class _Evidence(NamedTuple):
    """For each vote how much was asked of it, and with how much of that it agreed."""

    agreed: Floats
    asked: Floats


def measure_reliability(
    votes: RaterVotes, known: Floats, keys: Ints, params: TrustParams
) -> Floats:
    """Of each rater, shape (raters,): 1 as good as the crowd, 0 never right."""
    credit = known / known.max(axis=1, keepdims=True)
    likely = np.nan_to_num((known * credit).sum(axis=1))[votes.row]
    once = 1 / _count_alike(votes, keys)
    told = _Evidence(once * np.nan_to_num(credit[votes.row, votes.vote]), once * likely)
    reliability: Floats = np.ones(len(votes.names))
    for _ in range(params.num_rounds):
        weight = ramp(reliability, params)
        peers = _ask_peers(votes, weight, known.shape)
        right = total = np.full(len(votes.names), params.prior_votes)
        num_asked = np.maximum(sum_by_rater(votes, peers.asked), ALMOST_NONE)
        factor = np.minimum(params.peer_factor, params.max_peer_votes / num_asked)
        for evidence, counts in ((told, params.known_text_factor), (peers, factor)):
            of_crowd = _agreement_of_crowd(evidence, weight[votes.rater], params)
            right = right + counts * sum_by_rater(votes, evidence.agreed)
            total = total + counts * of_crowd * sum_by_rater(votes, evidence.asked)
        reliability = right / total
    return reliability


def ramp(reliability: Floats, params: TrustParams) -> Floats:
    span = params.full_trust_from - params.no_trust_below
    weight: Floats = np.clip((reliability - params.no_trust_below) / span, 0.0, 1.0)
    return weight


def sum_by_class(votes: RaterVotes, each: Floats, shape: tuple[int, ...]) -> Floats:
    """Weight of the votes per row and class."""
    cell = votes.row * shape[1] + votes.vote
    sums = np.bincount(cell, weights=each, minlength=shape[0] * shape[1]).astype(np.float64)
    return sums.reshape(shape)


def sum_by_rater(votes: RaterVotes, each: Floats) -> Floats:
    """Per rater."""
    return np.bincount(votes.rater, weights=each, minlength=len(votes.names)).astype(np.float64)


def _agreement_of_crowd(evidence: _Evidence, each: Floats, params: TrustParams) -> float:
    asked = float((each * evidence.asked).sum())
    found = float((each * evidence.agreed).sum()) / asked if asked > ALMOST_NONE else 1.0
    return min(max(found, params.min_crowd_agreement), 1.0)


def _count_alike(votes: RaterVotes, keys: Ints) -> Floats:
    """For each vote how many of its rater's are on texts of its match key."""
    pair = keys[votes.row] * len(votes.names) + votes.rater
    _, place, counts = np.unique(pair, return_inverse=True, return_counts=True)
    alike: Floats = counts[place].astype(np.float64)
    return alike


def _ask_peers(votes: RaterVotes, weight: Floats, shape: tuple[int, ...]) -> _Evidence:
    """How far the others on a text agree; all of them together are asked at most once."""
    each = weight[votes.rater]
    others = sum_by_class(votes, each, shape)[votes.row]
    own = np.arange(len(votes.row)), votes.vote
    others[own] = np.maximum(others[own] - each, 0.0)
    best = others.max(axis=1, initial=0.0)
    asked = np.minimum(others.sum(axis=1), 1.0)
    agreement = np.divide(others[own], best, out=np.zeros(len(best)), where=best > 0)
    return _Evidence(asked * agreement, asked)
