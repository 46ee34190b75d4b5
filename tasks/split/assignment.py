"""Where each example goes: its part for good, or the reason why it is set aside."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.split.params import SplitParams

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Member:
    """What decides where an example goes; `key` is the match key of its text."""

    example_id: str
    key: str
    group_id: str
    is_labelled: bool


def assign(members: Sequence[Member], params: SplitParams) -> list[str]:
    """Each member's part, or the reason why it has none.

    The part follows from the text alone, so adding examples never moves one to another part; a
    twin (same key or group) that turns up in a part to be protected can only set it aside.
    """
    drawn = [draw(member.key, params) if member.is_labelled else None for member in members]
    # The key decides the draw, so equal keys are never drawn apart: only groups can be.
    groups = {part: _groups_of(members, drawn, part) for part in ("test", "validation")}
    result = []
    for member, part in zip(members, drawn, strict=True):
        if part is None:
            result.append("unlabelled")
        elif part != "test" and member.group_id in groups["test"]:
            result.append("twin_of_test")
        elif part == "train" and member.group_id in groups["validation"]:
            result.append("twin_of_validation")
        else:
            result.append(part)
    return result


def draw(key: str, params: SplitParams) -> str:
    """The part a text belongs to, for good: BLAKE2b of salt and key as a number in [0, 1)."""
    digest = hashlib.blake2b(f"{params.salt}\0{key}".encode(), digest_size=8).digest()
    place = int.from_bytes(digest, "big") / 2**64
    if place < params.test_fraction:
        return "test"
    if place < params.test_fraction + params.validation_fraction:
        return "validation"
    return "train"


def _groups_of(members: Sequence[Member], drawn: Sequence[str | None], part: str) -> set[str]:
    return {member.group_id for member, own in zip(members, drawn, strict=True) if own == part}
