"""What one turn of the graph did with a correction: its text, and this very vote on it."""

import re
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from flows.outputs import Outputs, find
from tasks.label.weighed import BEYOND_SHARE, COUNTED, DISTRUSTED
from tasks.records import FEEDBACK_ORIGIN

LEARNT = ("train", "validation")
TAKEN = "data/aggregate/corrections.parquet"
_WEIGHED = "data/label/weighed.parquet"
_REFUSED = (
    "data/aggregate/rejected.parquet", "data/clean/rejected.parquet",
    "data/validate/quarantine.parquet",
)  # fmt: skip
_WHY_NOT = {
    DISTRUSTED: "label.trust does not believe its rater",
    BEYOND_SHARE: "its rater has label.trust.max_share_per_rater without it",
}
_IN_WORDS = {"unlabelled": "all votes on it weigh less than label.trust.min_weight"}
Row = dict[str, Any]


class Fate(NamedTuple):
    example: str = ""  # id of the example that it is a vote on; "": aggregate did not take it
    part: str = ""  # of the split, or excluded; "": the example did not come so far
    reason: str = ""  # why it was set aside, or did not come so far
    vote: str = ""  # what became of the vote, in words


def follow(event_id: str, outputs: Outputs) -> Fate:
    """InputError where a file that knows is gone."""
    if TAKEN not in outputs:
        return Fate(reason=f"nobody can say: there is no {TAKEN}")
    taken = _rows(find(outputs, TAKEN), "event_id", event_id)
    if not taken:
        return Fate(reason=_refusal(outputs, [event_id]))
    example = taken[0]["example_id"]
    vote = _describe_vote(taken[0], outputs)
    for path in split_tables(outputs):
        if rows := _rows(find(outputs, path), "example_id", example):
            return Fate(example, Path(path).stem, rows[0].get("reason", ""), vote)
    others = _rows(find(outputs, TAKEN), "example_id", example)
    return Fate(example, "", _refusal(outputs, [row["event_id"] for row in others]), vote)


def split_tables(outputs: Outputs) -> list[str]:
    return sorted(path for path in outputs if re.fullmatch(r"data/split/\w+\.parquet", path))


def describe(fate: Fate) -> str:
    if not fate.example:
        return fate.reason or "did not have it: it came later"
    reason = f": {_IN_WORDS.get(fate.reason, fate.reason)}" if fate.reason else ""
    if not fate.part:
        text = f"did not learn from its text{reason or ': refused before the split'}"
    elif fate.part in LEARNT:
        text = f"learnt from its text, split {fate.part}"
    else:
        text = f"did not learn from its text, {fate.part}{reason}"
    return f"{text}; {fate.vote}" if fate.vote else text


def _describe_vote(taken: Row, outputs: Outputs) -> str:
    if newer := taken["superseded_by"]:
        return f"this vote did not count: its rater's newer one, {newer}, did away with it"
    votes = _rows(find(outputs, _WEIGHED), "example_id", taken["example_id"])
    for vote in votes:
        if vote["rater"] == taken["rater"]:
            if vote["became"] == COUNTED:
                total = sum(one["weight"] for one in votes)
                return f"this vote weighed {vote['weight']:.2f} of {total:.2f}"
            return f"this vote did not count: {_WHY_NOT[vote['became']]}"
    return "this vote did not count: it is none of label.classes" if votes else ""


def _refusal(outputs: Outputs, event_ids: list[str]) -> str:
    """A text that clean or validate refused goes by the first event that brought it."""
    origins = [f"{FEEDBACK_ORIGIN}:{event_id}" for event_id in event_ids]
    for path in _REFUSED:
        if (file := find(outputs, path)) is None:
            continue
        rows = pq.read_table(file, filters=[("origin", "in", origins)]).to_pylist()
        if rows:
            return f"{path} has it: {rows[0]['reason']}"
    return ""


def _rows(file: Path | None, column: str, value: str) -> list[Row]:
    if file is None:
        return []
    rows: list[Row] = pq.read_table(file, filters=[(column, "=", value)]).to_pylist()
    return rows
