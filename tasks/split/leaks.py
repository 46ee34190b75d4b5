"""What makes a split unusable: twins across its parts, empty parts, missing classes."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

import pyarrow as pa
import pyarrow.compute as pc

from tasks.errors import GateError
from tasks.records import is_feedback
from tasks.split.assignment import LEARNT
from tasks.text import match_key

_SHOWN_LEAKS = 5
_SHINGLE_CHARACTERS = 4
_HELD_OUT = (
    ("train", "test"), ("validation", "test"), ("train", "validation"),
    ("train", "holdout"), ("validation", "holdout"),
)  # fmt: skip
Texts = dict[str, str]  # match key by example_id


def refuse_leaks(parts: dict[str, pa.Table], leak_jaccard: float) -> None:
    """GateError naming examples of train or validation that are twins of one held out from them.

    Knows nothing of how the parts were made: match keys are computed again, and the similarity of
    long texts directly, without the groups.
    """
    keys = {part: _column_by_id(table, "text", match_key) for part, table in parts.items()}
    groups = {part: _column_by_id(table, "group_id", str) for part, table in parts.items()}
    leaks = []
    for learnt, held in _HELD_OUT:
        pairs = chain(
            (("the same text", *pair) for pair in shared_values(keys[learnt], keys[held])),
            (("the same group", *pair) for pair in shared_values(groups[learnt], groups[held])),
            (
                ("nearly equal", *pair)
                for pair in near_pairs(keys[learnt], keys[held], leak_jaccard)
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


def near_pairs(learnt: Texts, held: Texts, bound: float) -> Iterator[tuple[str, str]]:
    """Ids of pairs whose words and whose character shingles both have a Jaccard above `bound`.

    Exact: two sets that similar share one of the rarest few of each (prefix filter, Chaudhuri et
    al. 2006), and their sizes differ little, so only such texts are compared.
    """
    learnt_words = {own: set(key.split()) for own, key in learnt.items()}
    held_words = {other: set(key.split()) for other, key in held.items()}
    counts = Counter(chain.from_iterable(chain(learnt_words.values(), held_words.values())))
    index: defaultdict[str, defaultdict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for other, words in held_words.items():
        for word in _rarest(words, counts, bound):
            index[word][len(words)].append(other)
    for own, words in learnt_words.items():
        rare = (index[word] for word in _rarest(words, counts, bound) if word in index)
        fitting = _lists_of_like_size(rare, len(words), bound)
        for other in sorted(set(chain.from_iterable(fitting))):
            if _jaccard(words, held_words[other]) > bound and (
                _jaccard(_shingles(learnt[own]), _shingles(held[other])) > bound
            ):
                yield own, other


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


def _rarest(words: set[str], counts: Counter[str], bound: float) -> list[str]:
    """So many of the rarest words that a set more similar than the bound must have one of them."""
    num_shared = int(bound * len(words)) + 1
    return sorted(words, key=lambda word: (counts[word], word))[: len(words) - num_shared + 1]


def _lists_of_like_size(
    by_size: Iterable[dict[int, list[str]]], size: int, bound: float
) -> Iterator[list[str]]:
    """What belongs to sets neither so small nor so large that their Jaccard must be below."""
    for lists in by_size:
        for other_size, others in lists.items():
            if min(size, other_size) > bound * max(size, other_size):
                yield others


def _jaccard(first: set[str], second: set[str]) -> float:
    return len(first & second) / len(first | second)


def _shingles(key: str) -> set[str]:
    padded = " " * (_SHINGLE_CHARACTERS - 1) + key
    return {padded[start : start + _SHINGLE_CHARACTERS] for start in range(len(key))}


def _column_by_id(table: pa.Table, name: str, value_of: Callable[[str], str]) -> Texts:
    ids, values = table["example_id"].to_pylist(), table[name].to_pylist()
    return {own: value_of(value) for own, value in zip(ids, values, strict=True)}
