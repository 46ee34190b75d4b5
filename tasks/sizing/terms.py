"""Lines of an estimate: a name, a number of bytes, and the formula with its values."""

from collections.abc import Sequence
from typing import NamedTuple

_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


class Term(NamedTuple):
    name: str
    num_bytes: int
    formula: str  # such as "4 B x 22.6 M / 8"
    on_host: bool = False  # in the host's memory, not in the device's


def per_parameter(name: str, width: int, num_params: int, num_shards: int = 1) -> Term:
    """`width` bytes for each parameter, divided among `num_shards` ranks, rounded up."""
    divided = f" / {num_shards}" if num_shards > 1 else ""
    num_bytes = -(-width * num_params // num_shards)
    return Term(name, num_bytes, f"{width} B x {short(num_params)}{divided}")


def total(terms: Sequence[Term], on_host: bool = False) -> int:
    return sum(term.num_bytes for term in terms if term.on_host is on_host)


def short(number: float) -> str:
    """Three digits and a decimal prefix: 22566531 is '22.6 M'."""
    for size, letter in _UNITS:
        if abs(number) >= size:
            return f"{number / size:.3g} {letter}"
    return f"{number:.3g}"


def in_bytes(number: float) -> str:
    """Decimal, as the ZeRO paper and prices of memory count: 31.4e9 is '31.4 GB'."""
    text = short(number)
    return f"{text}B" if text[-1].isalpha() else f"{text} B"
