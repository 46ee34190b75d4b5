"""Corrections nearly equal to a text across the split are set aside: the groups may not show it.

Of files a twin that the groups miss stops the stage, since a person can mend its params. A
correction can be sent by anybody, so that one must not stop anything; nor may thousands that are
much alike be compared all with all: one that could be near to more than `max_compared` is set
aside unseen.
"""

from collections.abc import Callable, Iterator, Sequence

from tasks.split.assignment import LEARNT, Member
from tasks.split.near import Texts, find_near
from tasks.split.params import SplitParams

HELD_OUT = ("test", "holdout")


def set_aside_near(
    members: Sequence[Member], parts: Sequence[str], params: SplitParams
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

    for example_id, reason in _find_near(keys, params):
        result[place[example_id]] = reason
    return result


def _find_near(keys: Callable[..., Texts], params: SplitParams) -> Iterator[tuple[str, str]]:
    """Corrections by id, and what they are nearly; each step sees what those before set aside."""
    steps = (
        (HELD_OUT, LEARNT, False, "twin_of_learnt"),
        (LEARNT, HELD_OUT, None, "twin_of_test"),
        (("validation",), ("train",), False, "twin_of_learnt"),
        (("train",), ("validation",), None, "twin_of_validation"),
    )
    for asked, others, is_others_feedback, reason in steps:
        corrections, texts = keys(asked, True), keys(others, is_others_feedback)
        pairs = find_near(corrections, texts, params.leak_jaccard, params.max_compared)
        for own, other in list(pairs):
            yield own, "too_many_alike" if other is None else reason
