"""How much of a text the store may hold."""

from typing import Literal, NamedTuple

from tasks.privacy import PrivacyParams, mask
from tasks.text import normalise, sha256_of_text

Keep = Literal["text", "hash", "nothing"]


class Policy(NamedTuple):
    keep: Keep
    privacy: PrivacyParams


def text_as_sent(text: str, policy: Policy) -> str | None:
    """The text of a prediction; its masked normal form where that holds what is masked.

    An address may be spelt in entities or with invisible characters, which the normal form undoes.
    """
    if policy.keep != "text":
        return None
    normal = normalise(text)
    masked = mask(normal, policy.privacy)
    return text if masked == normal else masked


def text_to_learn_from(text: str | None, policy: Policy) -> str | None:
    """The text of a correction: in its normal form, masked."""
    if policy.keep != "text" or text is None:
        return None
    return mask(normalise(text), policy.privacy)


def hash_text(text: str, policy: Policy) -> str | None:
    return None if policy.keep == "nothing" else sha256_of_text(text)
