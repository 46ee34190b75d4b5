"""Exact duplicates: one row per text, votes pooled, copies that disagree reported."""

from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.clean.shingles import Ints

_STRINGS = pa.list_(pa.string())
CONFLICTS = pa.schema(
    [
        pa.field("text", pa.string(), False, {"meaning": "the text all copies share"}),
        pa.field("example_ids", _STRINGS, False, {"meaning": "its copies, the kept one first"}),
        pa.field("votes", pa.list_(_STRINGS), False, {"meaning": "votes of each copy"}),
        pa.field(
            "overlap", pa.float64(), False, {"meaning": "least overlap of a copy with the others"}
        ),
    ]
)


@dataclass(frozen=True)
class Copies:
    """Rows in the order of their texts: the copies of text i are `rows[starts[i]:starts[i + 1]]`.

    Texts come in the order of their first row, and so do the copies of one text.
    """

    rows: Ints
    starts: Ints

    def repeated(self) -> Ints:
        """The rows of every text that occurs more than once."""
        counts = np.diff(self.starts)
        return self.rows[np.repeat(counts > 1, counts)]


def find_copies(texts: pa.ChunkedArray) -> Copies:
    """Which rows hold the same text; all together may be above the 2 GiB of one Arrow array."""
    encoded = texts.cast(pa.large_string()).dictionary_encode()
    text_of = pa.chunked_array([part.indices for part in encoded.chunks], pa.int32()).to_numpy()
    starts = np.concatenate([[0], np.cumsum(np.bincount(text_of, minlength=0))])
    return Copies(np.argsort(text_of, kind="stable"), starts.astype(np.int64))


def merge(examples: pa.Table, copies: Copies) -> pa.Table:
    """The first row of each text with the votes of all of them, and `duplicate_ids` of the rest."""
    pooled_columns = examples.select(["example_id", "votes", "raters"])
    ordered = pooled_columns.take(pa.array(copies.rows)).combine_chunks()
    is_first = np.zeros(len(examples), dtype=bool)
    is_first[copies.rows[copies.starts[:-1]]] = True
    # Texts come in the order of their first rows. In one piece: the bytes hang on no chunks.
    merged = examples.filter(pa.array(is_first)).combine_chunks()
    for name, pooled in (
        ("votes", _pool(ordered["votes"], copies)),
        ("raters", _pool_raters(ordered, copies)),
    ):
        merged = merged.set_column(merged.column_names.index(name), name, pooled)
    num_others = np.diff(copies.starts) - 1
    is_other = np.ones(len(ordered), dtype=bool)
    is_other[copies.starts[:-1]] = False
    ids = ordered["example_id"].filter(pa.array(is_other)).combine_chunks()
    offsets = pa.array(np.concatenate([[0], np.cumsum(num_others)]), pa.int32())
    return merged.append_column("duplicate_ids", pa.ListArray.from_arrays(offsets, ids))


def find_conflicts(examples: pa.Table, copies: Copies, min_overlap: float) -> pa.Table:
    """Texts of which some copy's votes overlap less than `min_overlap` with all others' votes.

    Overlap is 1 - total variation distance of the shares: 1 for equal shares, 0 for disjoint ones.
    Copies without votes take no part.
    """
    found = []
    repeated = pa.array(copies.repeated())
    all_texts = examples["text"].cast(pa.large_string())
    columns = (all_texts, examples["example_id"], examples["votes"])
    lists = (column.take(repeated).to_pylist() for column in columns)
    for text, rows in groupby(zip(*lists, strict=True), key=itemgetter(0)):
        _, ids, votes = zip(*rows, strict=True)
        overlap = least_overlap([Counter(copy) for copy in votes if copy])
        if overlap < min_overlap:
            found.append({"text": text, "example_ids": ids, "votes": votes, "overlap": overlap})
    return pa.Table.from_pylist(found, CONFLICTS)


def least_overlap(counts: list[Counter[str]]) -> float:
    """Least overlap of one copy's vote shares with those of the other copies together; 1 if alone.

    Sum over votes of the smaller share, which is 1 - total variation distance.
    """
    if len(counts) < 2:  # noqa: PLR2004 - one copy has no other
        return 1.0
    pooled = sum(counts, Counter[str]())
    overlaps = []
    for count in counts:
        others = pooled - count
        own_total, others_total = count.total(), others.total()
        overlaps.append(
            sum(min(count[vote] / own_total, others[vote] / others_total) for vote in count)
        )
    return min(overlaps)


def _pool(lists: pa.ChunkedArray, copies: Copies) -> pa.ListArray:
    """The lists of each text's copies as one; the rows stand in the order of `copies.rows`."""
    lengths = pc.list_value_length(lists).to_numpy()
    ends = np.concatenate([[0], np.cumsum(lengths)])[copies.starts]
    return pa.ListArray.from_arrays(
        pa.array(ends, pa.int32()), pc.list_flatten(lists).combine_chunks()
    )


def _pool_raters(ordered: pa.Table, copies: Copies) -> pa.Array:
    """Raters in the order of the pooled votes; unknown where no copy of the text knows them."""
    raters, votes = ordered["raters"], ordered["votes"]
    if raters.null_count == len(ordered):
        return pa.nulls(len(copies.starts) - 1, _STRINGS)
    known = pc.is_valid(raters).to_numpy()
    num_votes = pc.list_value_length(votes).to_numpy()
    num_raters = pc.fill_null(pc.list_value_length(raters), 0).to_numpy()
    # Where nothing is known, a null for each vote keeps the others in step.
    num_pooled = np.where(known, num_raters, num_votes)
    is_known = np.repeat(known, num_pooled)
    place = pa.array(np.cumsum(is_known) - 1, mask=~is_known)
    flat = pc.list_flatten(raters).combine_chunks().take(place)
    ends = np.concatenate([[0], np.cumsum(num_pooled)])[copies.starts]
    text_known = np.logical_or.reduceat(known, copies.starts[:-1])
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), flat, mask=pa.array(~text_known))
