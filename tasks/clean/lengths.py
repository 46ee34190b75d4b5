"""Texts that are empty, too short or too long, set aside with the reason."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks import records
from tasks.clean.params import CleanParams

_SHOWN_CHARACTERS = 500  # of a rejected text, as records.REJECTED promises


def reject(examples: pa.Table, params: CleanParams) -> tuple[pa.Table, pa.Table]:
    """Examples whose text has a length within the bounds, and REJECTED rows for the others."""
    lengths = pc.utf8_length(examples["text"]).to_numpy()
    fits = (lengths >= params.min_characters) & (lengths <= params.max_characters)
    out = examples.filter(pa.array(~fits))
    broken = [_broken(int(length), params) for length in lengths[~fits]]
    rejected = pa.table(
        {
            "origin": out["origin"],
            "source": out["source"],
            "rule": pa.array([rule for rule, _ in broken], pa.string()),
            "reason": pa.array([reason for _, reason in broken], pa.string()),
            "content": pc.utf8_slice_codeunits(out["text"], 0, _SHOWN_CHARACTERS),
        },
        schema=records.REJECTED,
    )
    return (examples if np.all(fits) else examples.filter(pa.array(fits))), rejected


def _broken(length: int, params: CleanParams) -> tuple[str, str]:
    if length == 0:
        return "empty", "nothing is left of the text but white space and invisible characters"
    if length < params.min_characters:
        return "too_short", f"{length} characters, expected at least {params.min_characters}"
    return "too_long", f"{length} characters, expected at most {params.max_characters}"
