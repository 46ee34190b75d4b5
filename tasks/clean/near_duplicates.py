"""Clusters of near-duplicates: MinHash LSH proposes pairs, true Jaccard similarity decides."""

import numpy as np
import numpy.typing as npt
import rensa
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from tasks.clean.params import NearDuplicatesParams
from tasks.clean.shingles import Ints, Shingles, scramble, shingle

Values = npt.NDArray[np.uint32]
Pairs = npt.NDArray[np.int64]  # shape (pairs, 2), row numbers
_PAIRS_AT_ONCE = 20_000  # bounds memory: some 200 shingles of 8 bytes per pair, sorted
_HASH_BITS = np.uint64(40)  # of a shingle, beside its pair's number in one sortable word


def cluster(keys: list[str], params: NearDuplicatesParams) -> Ints:
    """Cluster number per key, shape (keys,); equal keys share one, and so do chains of twins.

    Which keys share a cluster does not depend on their order.
    """
    unique, unique_of = _unique(keys)
    shingles = shingle(unique, params.shingle_characters)
    component = np.arange(len(unique))
    edges = np.empty((0, 2), dtype=np.int64)
    pairs = propose(shingles, params)
    for start in range(0, len(pairs), _PAIRS_AT_ONCE):
        some = pairs[start : start + _PAIRS_AT_ONCE]
        some = some[component[some[:, 0]] != component[some[:, 1]]]  # the others cannot matter
        edges = np.concatenate([edges, some[jaccard(shingles, some) >= params.min_jaccard]])
        component = _components(edges, len(unique))
    return component[unique_of]


def _components(edges: Pairs, num_nodes: int) -> Ints:
    ones = np.ones(len(edges), dtype=np.int8)
    graph = coo_array((ones, (edges[:, 0], edges[:, 1])), shape=(num_nodes, num_nodes))
    component: Ints = connected_components(graph, directed=False)[1].astype(np.int64)
    return component


def jaccard(shingles: Shingles, pairs: Pairs) -> npt.NDArray[np.float64]:
    """Size of the intersection of two rows' shingle sets over that of the union, shape (pairs,)."""
    first, second = (_sets(shingles, pairs[:, side]) for side in (0, 1))
    both = np.sort(np.concatenate([first, second]))
    shared = both[1:][both[1:] == both[:-1]]
    common = np.bincount((shared >> _HASH_BITS).astype(np.int64), minlength=len(pairs))
    size = np.bincount((both >> _HASH_BITS).astype(np.int64), minlength=len(pairs))
    similarity: npt.NDArray[np.float64] = common / (size - common)
    return similarity


def _sets(shingles: Shingles, rows: Ints) -> npt.NDArray[np.uint64]:
    """Each row's distinct shingles, every one headed by its place in `rows`."""
    taken = shingles.take(rows)
    place = np.repeat(np.arange(len(rows), dtype=np.uint64), np.diff(taken.offsets))
    words = np.sort(place << _HASH_BITS | taken.hashes >> np.uint64(64) - _HASH_BITS)
    return words[np.concatenate([[True], words[1:] != words[:-1]])] if len(words) else words


def propose(shingles: Shingles, params: NearDuplicatesParams) -> Pairs:
    """Pairs of rows that agree in all signature values of at least one band, the likeliest first.

    Without those whose whole signatures say that they are far below `min_jaccard`.
    """
    flags = rensa.RMinHashLSH(
        params.min_jaccard, params.num_permutations, params.num_bands
    ).query_duplicate_flags_matrix_one_shot(_signatures(shingles, params))
    flagged = np.flatnonzero(np.array(flags, dtype=bool))
    # Signatures come out of Rust as lists, slowly: read them only where a band agrees.
    rows = _signatures(shingles.take(flagged), params).to_rows()
    values = np.array(rows, dtype=np.uint32).reshape(len(flagged), params.num_permutations)
    bands = np.split(values, params.num_bands, axis=1)
    found = np.concatenate([_neighbours(band, params.max_neighbours) for band in bands])
    packed = np.unique(found[:, 0] * len(flagged) + found[:, 1])
    pairs = np.column_stack([packed // len(flagged), packed % len(flagged)])
    likely: Pairs = flagged[_likely(values, pairs, params)]
    return likely


def _likely(signatures: Values, pairs: Pairs, params: NearDuplicatesParams) -> Pairs:
    """Pairs whose estimated similarity comes near the bound or above, in falling order.

    The estimate's standard deviation is sqrt(s (1 - s) / num_permutations) at similarity s; four
    of them lose fewer than one true pair in 10,000, and spare most exact comparisons.
    """
    bound = params.min_jaccard
    slack = 4 * np.sqrt(bound * (1 - bound) / params.num_permutations)
    equal = np.zeros(len(pairs), dtype=np.int16)
    for start in range(0, len(pairs), _PAIRS_AT_ONCE):
        some = pairs[start : start + _PAIRS_AT_ONCE]
        alike = signatures[some[:, 0]] == signatures[some[:, 1]]
        equal[start : start + len(some)] = alike.sum(axis=1)
    likely = np.flatnonzero(equal >= (bound - slack) * params.num_permutations)
    return pairs[likely[np.argsort(-equal[likely], kind="stable")]]


def _signatures(shingles: Shingles, params: NearDuplicatesParams) -> rensa.RMinHashDigestMatrix:
    return rensa.RMinHash.digest_matrix_from_flat_token_hashes(
        shingles.hashes, shingles.offsets.astype(np.uint64), params.num_permutations, params.seed
    )


def _neighbours(band: Values, max_neighbours: int) -> Pairs:
    """Pairs of rows equal in this band, each row with at most so many of those after it.

    A template with n copies would otherwise cost n² comparisons; a chain joins them as well.
    """
    bucket = np.zeros(len(band), dtype=np.uint64)
    for column in band.T:
        bucket = scramble(bucket * np.uint64(3) + column)
    order = np.argsort(bucket, kind="stable")
    ordered, found = bucket[order], []
    for step in range(1, min(max_neighbours, len(order) - 1) + 1):
        at = np.flatnonzero(ordered[step:] == ordered[:-step])
        if not len(at):
            break
        found.append(np.column_stack([order[at], order[at + step]]))
    return np.concatenate(found) if found else np.empty((0, 2), dtype=np.int64)


def _unique(keys: list[str]) -> tuple[list[str], Ints]:
    """Distinct keys in sorted order, so that the order of rows plays no part; each key's place."""
    unique = sorted(set(keys))
    place = {key: number for number, key in enumerate(unique)}
    return unique, np.fromiter((place[key] for key in keys), dtype=np.int64, count=len(keys))
