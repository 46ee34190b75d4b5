"""How far each person who corrects predictions is believed.

Reliability is agreement over the agreement that a person of the crowd would have: 1 is as good as
anybody, whatever the texts. On a text whose label is known from files, a vote agrees by the share
of the known votes for its class, in that of the most frequent class. What the crowd would have
there is what one of the known votes has in the mean, less as far as all who are trusted have less.
On a text that others corrected, too, a vote agrees by its class's share of their votes, each by
its weight, and the crowd by the mean over all trusted votes.

A newcomer is credited with `prior_votes` of reliability 1; proof is the part of a reliability that
rests on known texts rather than on that credit. Known texts come first: whoever fails there is not
saved by others. Of others, those count who have proved right there; newcomers say something only
of one another, and where nobody of proof has spoken. So however many agree with one another, they
silence nobody whom known texts speak for. Weights follow from reliability and reliability from
weights, so that is done in rounds.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tasks.label.raters import RaterVotes
from tasks.votes import Floats, Ints, TrustParams

ALMOST_NONE = 1e-9


class Standing(NamedTuple):
    """Of each rater, shape (raters,)."""

    reliability: Floats  # 1 as good as the crowd, 0 never right
    proof: Floats  # 0: a newcomer, credited alone; towards 1: measured by known texts


class _Evidence(NamedTuple):
    """For each vote how much was asked of it, and with how much of that it agreed."""

    agreed: Floats
    asked: Floats

    def times(self, factor: Floats | float) -> "_Evidence":
        return _Evidence(self.agreed * factor, self.asked * factor)


class _Account(NamedTuple):
    """Of each rater how many votes were right, and how many of the crowd's would have been."""

    right: Floats
    expected: Floats

    def add(self, votes: RaterVotes, evidence: _Evidence, of_crowd: float) -> "_Account":
        return _Account(
            self.right + sum_by_rater(votes, evidence.agreed),
            self.expected + of_crowd * sum_by_rater(votes, evidence.asked),
        )


def measure_standing(votes: RaterVotes, known: Floats, keys: Ints, params: TrustParams) -> Standing:
    """`known`: shares of the known votes on each row's text, else NaN; `keys`: of its variants."""
    floor = params.min_crowd_agreement
    told = _ask_files(votes, known, keys, params)
    by_texts = _prove(votes, [told], params)
    account, voice = _judge_by_texts(votes, told, by_texts, params)
    most = account.right / account.expected
    peers = _ask_peers(votes, voice, known.shape)
    counted = peers.times(params.peer_factor)
    account = account.add(votes, counted, _agreement_of_crowd(votes, peers, voice, floor**2))
    proof = _prove(votes, [told, counted], params)
    reliability = np.minimum(account.right / account.expected, most)
    for _ in range(params.num_rounds):
        weight = ramp(reliability, params)
        others = _ask_peers(votes, weight * (1 - proof), known.shape).times(1 - peers.asked)
        unproven = _factor(votes, others, params) * (1 - proof)
        of_crowd = _agreement_of_crowd(votes, others, weight, floor**2)
        judged = account.add(votes, others.times(unproven[votes.rater]), of_crowd)
        reliability = np.minimum(judged.right / judged.expected, most)
    return Standing(reliability, by_texts)


def _judge_by_texts(
    votes: RaterVotes, told: _Evidence, proof: Floats, params: TrustParams
) -> tuple[_Account, Floats]:
    """And how loud each rater's word is then, of what others said: by weight and proof."""
    credit = np.full(len(votes.names), params.prior_votes)
    reliability: Floats = np.ones(len(votes.names))
    for _ in range(params.num_rounds):
        voice = ramp(reliability, params) * proof
        of_crowd = _agreement_of_crowd(votes, told, voice, params.min_crowd_agreement)
        account = _Account(credit, credit).add(votes, told, of_crowd)
        reliability = account.right / account.expected
    return account, ramp(reliability, params) * proof


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


def _agreement_of_crowd(
    votes: RaterVotes, evidence: _Evidence, weight: Floats, floor: float
) -> float:
    each = weight[votes.rater]
    asked = float((each * evidence.asked).sum())
    found = float((each * evidence.agreed).sum()) / asked if asked > ALMOST_NONE else 1.0
    return min(max(found, floor), 1.0)


def _prove(votes: RaterVotes, kinds: Sequence[_Evidence], params: TrustParams) -> Floats:
    asked = np.sum([sum_by_rater(votes, evidence.asked) for evidence in kinds], axis=0)
    proof: Floats = asked / (asked + params.prior_votes)
    return proof


def _factor(votes: RaterVotes, evidence: _Evidence, params: TrustParams) -> Floats:
    """Votes that one of others counts for, so that each rater has at most `max_peer_votes`."""
    num_asked = np.maximum(sum_by_rater(votes, evidence.asked), ALMOST_NONE)
    factor: Floats = np.minimum(params.peer_factor, params.max_peer_votes / num_asked)
    return factor


def _ask_files(votes: RaterVotes, known: Floats, keys: Ints, params: TrustParams) -> _Evidence:
    credit = known / known.max(axis=1, keepdims=True)
    likely = np.nan_to_num((known * credit).sum(axis=1))[votes.row]
    told = _Evidence(np.nan_to_num(credit[votes.row, votes.vote]), likely)
    return told.times(params.known_text_factor / _count_alike(votes, keys))


def _count_alike(votes: RaterVotes, keys: Ints) -> Floats:
    """For each vote how many of its rater's are on texts of its match key."""
    pair = keys[votes.row] * len(votes.names) + votes.rater
    _, place, counts = np.unique(pair, return_inverse=True, return_counts=True)
    alike: Floats = counts[place].astype(np.float64)
    return alike


def _ask_peers(votes: RaterVotes, weight: Floats, shape: tuple[int, ...]) -> _Evidence:
    """How far the others on a text agree, by weight; all together are asked at most once."""
    each = weight[votes.rater]
    others = sum_by_class(votes, each, shape)[votes.row]
    own = np.arange(len(votes.row)), votes.vote
    others[own] = np.maximum(others[own] - each, 0.0)
    total = others.sum(axis=1)
    asked = np.minimum(total, 1.0)
    agreement = np.divide(others[own], total, out=np.zeros(len(total)), where=total > 0)
    return _Evidence(asked * agreement, asked)
