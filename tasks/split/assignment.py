"""Where each example goes: its part for good, or the reason why it is set aside."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.split.params import SplitParams

LEARNT = ("train", "validation")
PARTS = (*LEARNT, "test", "holdout")
Where = dict[str, set[str]]  # groups of the members of each part


@dataclass(frozen=True)
class Member:
    """What decides where an example goes; `key` is the match key of its text."""

    example_id: str
    key: str
    group_id: str
    is_labelled: bool
    is_feedback: bool = False


def assign(members: Sequence[Member], params: SplitParams) -> list[str]:
    """Each member's part, or the reason why it has none.

    The part follows from the text alone, so adding examples never moves one to another part; a
    twin (same key or group) that turns up in a part to be protected can only set it aside. What
    people correct never touches what files gave: a correction of a test example, or of its twin,
    or one that is drawn for the test, goes to the hold-out, and one that is a twin of what is
    learnt from cannot keep that from being learnt.
    """
    drawn = [draw(member.key, params) if member.is_labelled else None for member in members]
    # The key decides the draw, so equal keys are never drawn apart: only groups can be.
    of_files = _groups_of(members, drawn, is_feedback=False)
    heldout = {
        member.group_id
        for member, part in zip(members, drawn, strict=True)
        if member.is_feedback and _is_heldout(member, part, of_files)
    }
    of_feedback = _groups_of(members, drawn, is_feedback=True)
    return [
        _place_feedback(member, part, of_files, of_feedback, heldout)
        if member.is_feedback
        else _place(member, part, of_files)
        for member, part in zip(members, drawn, strict=True)
    ]


def _place(member: Member, part: str | None, of_files: Where) -> str:
    if part is None:
        return "unlabelled"
    if part != "test" and member.group_id in of_files["test"]:
        return "twin_of_test"
    if part == "train" and member.group_id in of_files["validation"]:
        return "twin_of_validation"
    return part


def _is_heldout(member: Member, part: str | None, of_files: Where) -> bool:
    if member.group_id in of_files["test"]:
        return part is not None
    return part == "test" and not any(member.group_id in of_files[name] for name in LEARNT)


def _place_feedback(
    member: Member, part: str | None, of_files: Where, of_feedback: Where, heldout: set[str]
) -> str:
    if part is None:
        return "unlabelled"
    if _is_heldout(member, part, of_files):
        return "holdout"
    if member.group_id in heldout:
        return "twin_of_holdout"
    is_learnt = member.group_id in of_files["train"] - of_files["validation"]
    if part == "test" or (part == "validation" and is_learnt):
        return "twin_of_learnt"
    in_validation = of_files["validation"] | of_feedback["validation"]
    if part == "train" and member.group_id in in_validation:
        return "twin_of_validation"
    return part


def draw(key: str, params: SplitParams) -> str:
    """The part a text belongs to, for good: BLAKE2b of salt and key as a number in [0, 1)."""
    digest = hashlib.blake2b(f"{params.salt}\0{key}".encode(), digest_size=8).digest()
    place = int.from_bytes(digest, "big") / 2**64
    if place < params.test_fraction:
        return "test"
    if place < params.test_fraction + params.validation_fraction:
        return "validation"
    return "train"


def _groups_of(members: Sequence[Member], drawn: Sequence[str | None], is_feedback: bool) -> Where:
    groups: Where = {part: set() for part in (*LEARNT, "test")}
    for member, part in zip(members, drawn, strict=True):
        if part is not None and member.is_feedback == is_feedback:
            groups[part].add(member.group_id)
    return groups
