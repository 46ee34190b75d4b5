"""What would tell who a person is, masked in texts; and pseudonyms of raters."""

import hashlib
from functools import partial
from typing import Literal

from phonenumbers import SUPPORTED_REGIONS
from pydantic import field_validator

from tasks.identifiers import (
    Finder,
    find_addresses,
    find_cards,
    find_emails,
    find_ibans,
    find_phones,
    fold,
)
from tasks.params import Params

Kind = Literal["email", "phone", "iban", "card", "ip"]

_MOST_PASSES = 4  # what is masked can free what stood beside it
# An account's number must not be taken for a card's, nor either for a telephone's.
_FINDERS: dict[Kind, Finder] = {
    "iban": find_ibans, "card": find_cards, "email": find_emails, "ip": find_addresses,
}  # fmt: skip


class PrivacyParams(Params):
    mask: tuple[Kind, ...]
    phone_regions: tuple[str, ...]
    raters: Literal["pseudonym", "as_sent"]

    @field_validator("mask", "phone_regions", mode="before")
    @classmethod
    def _freeze(cls, value: object) -> object:
        return tuple(value) if isinstance(value, list) else value

    @field_validator("phone_regions")
    @classmethod
    def _are_known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [region for region in value if region not in SUPPORTED_REGIONS]:
            raise ValueError(f"expected codes of regions such as US or GB, found {unknown}")
        return value


def mask(text: str, params: PrivacyParams) -> str:
    """The text, best in its normal form, with [email], [phone] ... in place of such.

    Linear in the length; what holds neither an @ nor digits costs a microsecond or two. Idempotent.
    """
    for _ in range(_MOST_PASSES):
        masked = _mask_once(text, params)
        if masked == text:
            break
        text = masked
    return text


def pseudonym(client: str | None, rater: str) -> str:
    """The same person of the same client has the same one; nobody reads a name from it."""
    digest = hashlib.sha256(f"{client or ''}\0{rater}".encode("utf-8", "surrogatepass"))
    return f"r_{digest.hexdigest()[:24]}"


def _mask_once(text: str, params: PrivacyParams) -> str:
    for kind, find in _FINDERS.items():
        if kind in params.mask:
            text = _replace(text, find, f"[{kind}]")
    if "phone" in params.mask:
        for region in params.phone_regions:
            text = _replace(text, partial(find_phones, region=region), "[phone]")
    return text


def _replace(text: str, find: Finder, sign: str) -> str:
    parts, end = [], 0
    for start, stop in find(fold(text)):
        parts += [text[end:start], sign]
        end = stop
    return "".join([*parts, text[end:]]) if parts else text
