"""What makes a split unusable: twins across its parts, empty parts, missing classes."""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain

import pyarrow as pa
import pyarrow.compute as pc

from tasks.errors import GateError
from tasks.records import is_feedback
from tasks.split.assignment import LEARNT
from tasks.split.near import Texts, find_near
from tasks.text import match_key

_SHOWN_LEAKS = 5
_HELD_OUT = (
    ("train", "test"), ("validation", "test"), ("train", "validation"),
    ("train", "holdout"), ("validation", "holdout"),
)  # fmt: skip


def refuse_leaks(parts: dict[str, pa.Table], leak_jaccard: float) -> None:
    """GateError naming examples of train or validation that are twins of one held out from them.

    Knows nothing of how the parts were made: match keys are computed again, and the similarity of
    long texts of files directly, without the groups. Corrections nearly equal to others have been
    set aside, and nobody can make this compare all that they sent.
    """
    of_files = {
        part: _column_by_id(table.filter(pc.invert(is_feedback(table))), "text", match_key)
        for part, table in parts.items()
    }
    keys = {part: _column_by_id(table, "text", match_key) for part, table in parts.items()}
    groups = {part: _column_by_id(table, "group_id", str) for part, table in parts.items()}
    leaks = []
    for learnt, held in _HELD_OUT:
        pairs = chain(
            (("the same text", *pair) for pair in shared_values(keys[learnt], keys[held])),
            (("the same group", *pair) for pair in shared_values(groups[learnt], groups[held])),
            (
                ("nearly equal", *pair)
                for pair in find_near(of_files[learnt], of_files[held], leak_jaccard, None)
            ),
        )
        leaks += [f"{own} in {learnt} and {other} in {held} ({what})" for what, own, other in pairs]
    if leaks:
        more = f" and {len(leaks) - _SHOWN_LEAKS} more" if len(leaks) > _SHOWN_LEAKS else ""
        raise GateError(
            f"{len(leaks)} twins across the split, expected none: {'; '.join(leaks[:_SHOWN_LEAKS])}"
            f"{more}. Lower clean.near_duplicates.min_jaccard or raise its max_neighbours."
        )


def shared_values(learnt: Texts, held: Texts) -> Iterator[tuple[str, str]]:
    """Ids of two examples, the first learnt from and the second held out, of one value."""
    held_by = {value: example_id for example_id, value in held.items()}
    return ((own, held_by[value]) for own, value in learnt.items() if value in held_by)


def refuse_gaps(parts: dict[str, pa.Table]) -> None:
    """GateError when a part is empty, or train or test lacks a class that the labels have.

    Of files, that is: corrections are never in the test, and nobody may count on them.
    """
    wanted = {
        part: parts[part].filter(pc.invert(is_feedback(parts[part]))) for part in (*LEARNT, "test")
    }
    counts = {part: Counter(table["label"].to_pylist()) for part, table in wanted.items()}
    classes = sorted(set().union(*counts.values()))
    remedy = "Label more examples or change params section 'split'."
    for part, count in counts.items():
        if not count:
            found = ", ".join(f"{name} {count.total()}" for name, count in counts.items())
            raise GateError(f"{part} is empty, expected an example or more ({found}). {remedy}")
    for part in ("train", "test"):
        missing = [name for name in classes if name not in counts[part]]
        if missing:
            raise GateError(
                f"no example of class {missing} in {part}, which has {counts[part].total()} "
                f"examples; expected all of {classes}. {remedy}"
            )


def _column_by_id(table: pa.Table, name: str, value_of: Callable[[str], str]) -> Texts:
    ids, values = table["example_id"].to_pylist(), table[name].to_pylist()
    return {own: value_of(value) for own, value in zip(ids, values, strict=True)}
