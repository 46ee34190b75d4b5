"""What became of each vote on a correction: how much it counted, and why no more."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.label.raters import RaterVotes
from tasks.label.trust import Corrections, Trusted
from tasks.votes import Floats

COUNTED, DISTRUSTED, BEYOND_SHARE = "counted", "distrusted", "beyond_share"
WEIGHED = pa.schema(
    [
        pa.field("example_id", pa.string(), False, {"meaning": "the correction's"}),
        pa.field("rater", pa.string(), False, {"meaning": "who gave the vote"}),
        pa.field("weight", pa.float64(), False, {"meaning": "that it had in the label, 0 to 1"}),
        pa.field(
            "became",
            pa.string(),
            False,
            {
                "meaning": f"{COUNTED}; {DISTRUSTED}: its rater is not believed; {BEYOND_SHARE}: "
                "its rater has label.trust.max_share_per_rater without it"
            },
        ),
    ]
)


def tabulate_weights(example_ids: pa.ChunkedArray, votes: RaterVotes, trusted: Trusted) -> pa.Table:
    """WEIGHED rows in the order of the votes, which have a known rater and keep the rules."""
    believed = np.array([trusted.weight[name] > 0 for name in votes.names], dtype=bool)
    became = np.where(
        trusted.each > 0, COUNTED, np.where(believed[votes.rater], BEYOND_SHARE, DISTRUSTED)
    )
    return pa.table(
        [
            example_ids.take(pa.array(votes.row)),
            pa.array(votes.names, pa.string()).take(pa.array(votes.rater)),
            pa.array(trusted.each),
            pa.array(became, pa.string()),
        ],
        schema=WEIGHED,
    )


def keep_counted(examples: pa.Table, corrections: Corrections, each: Floats) -> pa.Table:
    """The examples, of corrections only the votes that count: whoever is not believed is no rater
    of a text for those who ask later how many have judged it."""
    votes, counted = corrections.votes, each > 0
    ends = np.cumsum(np.bincount(votes.row[counted], minlength=len(examples)))
    offsets = pa.array(np.append(0, ends), pa.int32())
    raters = pa.array(votes.names, pa.string()).take(pa.array(votes.rater[counted]))
    kept = {"votes": votes.written.filter(pa.array(counted)), "raters": raters}
    for name, values in kept.items():
        column = pc.if_else(
            pa.array(corrections.rows),
            pa.ListArray.from_arrays(offsets, values),
            examples[name].combine_chunks(),
        )
        place = examples.column_names.index(name)
        examples = examples.set_column(place, examples.field(place), column)
    return examples
