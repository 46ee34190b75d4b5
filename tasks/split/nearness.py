"""Corrections nearly equal to a text across the split are set aside: the groups may not show it.

Of files a twin that the groups miss stops the stage, since a person can mend its params. A
correction can be sent by anybody, so that one must not stop anything.
"""

from collections.abc import Callable, Iterator, Sequence

from tasks.split.assignment import LEARNT, Member
from tasks.split.leaks import Texts, near_pairs

HELD_OUT = ("test", "holdout")


def set_aside_near(
    members: Sequence[Member], parts: Sequence[str], leak_jaccard: float
) -> list[str]:
    """The parts, with a reason in place of those that a correction must not have."""
    if not any(member.is_feedback for member in members):
        return list(parts)
    result = list(parts)
    place = {member.example_id: at for at, member in enumerate(members)}

    def keys(names: Sequence[str], is_feedback: bool | None = None) -> Texts:
        return {
            member.example_id: member.key
            for member, part in zip(members, result, strict=True)
            if part in names and is_feedback in (None, member.is_feedback)
        }

    for example_id, reason in _find_near(keys, leak_jaccard):
        result[place[example_id]] = reason
    return result


def _find_near(keys: Callable[..., Texts], bound: float) -> Iterator[tuple[str, str]]:
    """Corrections by id, and what they are nearly; each step sees what those before set aside."""
    steps = (
        (LEARNT, False, HELD_OUT, True, "twin_of_learnt"),
        (LEARNT, True, HELD_OUT, None, "twin_of_test"),
        (("train",), False, ("validation",), True, "twin_of_learnt"),
        (("train",), True, ("validation",), None, "twin_of_validation"),
    )
    for learnt, is_learnt_feedback, held, is_held_feedback, reason in steps:
        pairs = near_pairs(keys(learnt, is_learnt_feedback), keys(held, is_held_feedback), bound)
        for own, other in list(pairs):
            yield (own if is_learnt_feedback else other), reason
