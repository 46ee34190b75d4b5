"""Which examples people should label next: by priority, then as different as the budget allows."""

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tasks import progress
from tasks.label_export.params import LabelExportParams

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Candidates:
    """Rows that may enter the queue, most urgent first; arrays and lists of one length."""

    rows: Ints  # of the table
    urgency: Ints  # 0: unlabelled, 1: low agreement
    texts: list[str]
    sources: list[str]
    cap: int  # most tasks one source may have in the queue


def order_by_priority(examples: pa.Table, max_agreement: float) -> tuple[Ints, Ints]:
    """Rows worth a person's time and their urgency: unlabelled, then agreement from low to high.

    Among equals the one with fewer votes first, then by id, which is a hash and thus favours none.
    """
    agreement = examples.column("agreement").to_numpy()
    unlabelled = examples.column("label").is_null().to_numpy()
    num_votes = pc.list_value_length(examples.column("votes")).to_numpy()
    worthy = unlabelled | (agreement <= max_agreement)
    rank = np.where(unlabelled, -1.0, agreement)
    order = np.lexsort((examples.column("example_id").to_numpy(), num_votes, rank))
    rows = order[worthy[order]].astype(np.int64)
    return rows, np.where(unlabelled[rows], 0, 1)


def find_candidates(examples: pa.Table, params: LabelExportParams) -> Candidates:
    """The first `pool_factor` x `budget` rows by priority, one per group of near-duplicates.

    A source fills at most `pool_factor` times its own cap, or it would crowd out the others.
    """
    rows, urgency = order_by_priority(examples, params.max_agreement)
    ordered = examples.take(pa.array(rows))
    groups = ordered.column("group_id").to_pylist()
    sources = ordered.column("source").to_pylist()
    cap = cap_per_source(examples, params)
    seen: set[str] = set()
    filled: Counter[str] = Counter()
    kept: list[int] = []
    for position, (group, source) in enumerate(zip(groups, sources, strict=True)):
        if len(kept) == params.pool_factor * params.budget:
            break
        if group in seen or filled[source] == params.pool_factor * cap:
            continue
        seen.add(group)
        filled[source] += 1
        kept.append(position)
    texts = ordered.column("text").take(pa.array(kept, pa.int64())).to_pylist()
    kept_sources = [sources[position] for position in kept]
    return Candidates(rows[kept], urgency[kept], texts, kept_sources, cap)


def cap_per_source(examples: pa.Table, params: LabelExportParams) -> int:
    """Most tasks one source may have in the queue; a lone source has no other to crowd out."""
    if pc.count_distinct(examples.column("source")).as_py() == 1:
        return params.budget
    return math.ceil(params.budget * (params.max_share_per_source or 1))


def choose_diverse(candidates: Candidates, params: LabelExportParams) -> Ints:
    """Positions of the chosen candidates, at most `budget`, ascending and thus by priority.

    Greedy k-center (Gonzalez 1985) by cosine over TF-IDF: always the candidate least like those
    already chosen, the more urgent among equals; low agreement only when no unlabelled one is left.
    """
    if not candidates.texts or not params.budget:
        return np.array([], dtype=np.int64)
    vectors = vectorise(candidates.texts, params.num_hash_features)
    sources = np.array(candidates.sources, dtype=object)
    filled = Counter[str]()
    nearest = np.zeros(len(sources))  # similarity to the most similar chosen one
    is_open = np.ones(len(sources), dtype=bool)
    chosen: list[int] = []
    for _ in progress.track(range(params.budget), params.budget, "tasks"):
        if not is_open.any():
            break
        urgent = is_open & (candidates.urgency == candidates.urgency[is_open].min())
        best = int(np.where(urgent, nearest, np.inf).argmin())
        chosen.append(best)
        is_open[best] = False
        filled[sources[best]] += 1
        if filled[sources[best]] == candidates.cap:
            is_open &= sources != sources[best]
        nearest = np.maximum(nearest, (vectors @ vectors[best].T).toarray().ravel())
    return np.array(sorted(chosen), dtype=np.int64)


def vectorise(texts: list[str], num_features: int) -> Any:
    """Hashed TF-IDF, a sparse matrix (texts, num_features) with rows of length 1."""
    from sklearn.feature_extraction.text import (  # noqa: PLC0415  heavy; an empty queue needs none
        HashingVectorizer,
        TfidfTransformer,
    )

    words = HashingVectorizer(
        n_features=num_features, alternate_sign=False, norm=None, token_pattern=r"\S+"
    )
    return TfidfTransformer(sublinear_tf=True).fit_transform(words.transform(texts))
