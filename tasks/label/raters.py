"""Who gave which vote: the matrix of examples by raters, and the table of raters."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tasks.errors import InputError
from tasks.votes import UNLABELLED, Floats, Ints, LabelParams, flatten, vote_classes

RATERS = pa.schema(
    [
        pa.field("rater", pa.string(), False, {"meaning": "the rater's id"}),
        pa.field("num_votes", pa.int64(), False, {"meaning": "votes given, over all sources"}),
        pa.field(
            "quality",
            pa.float64(),
            True,
            {"meaning": "merit of the votes, 1: good; null: unknown"},
        ),
        pa.field(
            "weight", pa.float64(), True, {"meaning": "of each correction, 0 to 1; null: gave none"}
        ),
    ]
)


@dataclass(frozen=True)
class RaterVotes:
    """Votes whose rater is known and which the rules know; arrays of one length, (votes,)."""

    names: list[str]  # (raters,): in alphabetical order
    row: Ints  # the example, as a row of the table
    rater: Ints  # index into `names`
    vote: Ints  # index of the class
    written: pa.Array  # as it was given

    def of_rows(self, mask: npt.NDArray[np.bool_]) -> "RaterVotes":
        """Those on some rows of the table, and the names of those who gave them."""
        kept = mask[self.row]
        used, rater = np.unique(self.rater[kept], return_inverse=True)
        names = [self.names[index] for index in used]
        return RaterVotes(
            names, self.row[kept], rater, self.vote[kept], self.written.filter(pa.array(kept))
        )


def find_rater_votes(examples: pa.Table, params: LabelParams) -> RaterVotes:
    """All votes by raters who carry ids; InputError where votes and raters are not in pairs."""
    named = np.flatnonzero(examples.column("raters").is_valid().to_numpy())
    rows = examples.select(["example_id", "votes", "raters"]).take(pa.array(named, pa.int64()))
    votes, index = flatten(rows.column("votes").combine_chunks())
    raters, partner = flatten(rows.column("raters").combine_chunks())
    if not np.array_equal(index, partner):
        counts = [np.bincount(side, minlength=len(named)) for side in (index, partner)]
        bad = int(np.flatnonzero(counts[0] != counts[1])[0])
        raise InputError(
            f"example {rows.column('example_id')[bad]}: {counts[0][bad]} votes by {counts[1][bad]} "
            "raters, expected one rater per vote. Mend the source's columns for votes and raters."
        )
    names = sorted(pc.unique(raters.drop_null()).to_pylist())
    found = pc.index_in(raters, value_set=pa.array(names, pa.string())).fill_null(-1)
    rater = found.to_numpy(zero_copy_only=False).astype(np.int64)
    vote = vote_classes(votes, params)
    known = (rater >= 0) & (vote != UNLABELLED)
    written = votes.filter(pa.array(known))
    return RaterVotes(names, named[index[known]], rater[known], vote[known], written)


def build_matrix(votes: RaterVotes, max_cells: int) -> tuple[Ints, Floats]:
    """Rows of the table with such a vote, and their votes as (examples, raters), NaN for none.

    A rater who judged one example twice (merged duplicates) counts once, with the later vote.
    Raters without a vote within the rules have a column of NaN. InputError above `max_cells`.
    """
    rows, position = np.unique(votes.row, return_inverse=True)
    shape = (len(rows), len(votes.names))
    if shape[0] * shape[1] > max_cells:
        raise InputError(
            f"{shape[0]} examples x {shape[1]} raters = {shape[0] * shape[1]} cells, expected at "
            f"most {max_cells}. Raise label.consensus.max_cells (8 bytes a cell, some five times "
            "over), or set label.consensus to null for the plain majority."
        )
    matrix = np.full(shape, np.nan)
    matrix[position, votes.rater] = votes.vote
    return rows, matrix


def tabulate_raters(
    votes: RaterVotes, quality: dict[str, float], weight: dict[str, float]
) -> pa.Table:
    """One row per known rater, in alphabetical order; empty when no rater is known."""
    counts = np.bincount(votes.rater, minlength=len(votes.names))
    merits, weights = (
        np.array([known.get(name, np.nan) for name in votes.names], dtype=np.float64)
        for known in (quality, weight)
    )
    return pa.table(
        {
            "rater": pa.array(votes.names, pa.string()),
            "num_votes": pa.array(counts, pa.int64()),
            "quality": pa.array(merits, pa.float64(), mask=np.isnan(merits)),
            "weight": pa.array(weights, pa.float64(), mask=np.isnan(weights)),
        },
        schema=RATERS,
    )
