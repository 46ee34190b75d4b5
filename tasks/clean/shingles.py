"""Character shingles of many texts at once, as 64-bit hashes in one array."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]
_KEYS_AT_ONCE = 500  # arrays that stay in the processor's cache: three times as fast
_PRIME = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Shingles:
    """Row i's shingles are `hashes[offsets[i]:offsets[i + 1]]`; one may stand there twice."""

    hashes: Hashes
    offsets: Ints

    def take(self, rows: Ints) -> "Shingles":
        """The shingles of these rows, in their order."""
        lengths = np.diff(self.offsets)[rows]
        offsets = _offsets(lengths)
        shift = np.repeat(self.offsets[rows] - offsets[:-1], lengths)
        return Shingles(self.hashes[np.arange(offsets[-1]) + shift], offsets)


def shingle(keys: list[str], size: int) -> Shingles:
    """Every run of `size` characters of each key, which must not be empty.

    size - 1 spaces stand before each key, so a key of n characters has n shingles, however short.
    """
    blocks = [
        _shingle(keys[start : start + _KEYS_AT_ONCE], size)
        for start in range(0, len(keys), _KEYS_AT_ONCE)
    ]
    return Shingles(
        np.concatenate([np.empty(0, dtype=np.uint64), *(hashes for hashes, _ in blocks)]),
        _offsets(
            np.concatenate([np.empty(0, dtype=np.int64), *(lengths for _, lengths in blocks)])
        ),
    )


def _shingle(keys: list[str], size: int) -> tuple[Hashes, Ints]:
    """Hashes of all shingles, and their number per key."""
    lengths = np.fromiter(map(len, keys), dtype=np.int64, count=len(keys))
    pad = " " * (size - 1)
    padded = (pad + pad.join(keys)).encode("utf-32-le", "surrogatepass")
    codes = np.frombuffer(padded, dtype=np.uint32).astype(np.uint64)
    num_windows = len(codes) - size + 1
    rolling = np.zeros(num_windows, dtype=np.uint64)
    for place in range(size):
        rolling *= _PRIME
        rolling += codes[place : place + num_windows]
    # Windows that run from one key into the next are left out.
    inside = np.arange(lengths.sum()) + np.repeat(np.arange(len(keys)) * (size - 1), lengths)
    return scramble(rolling[inside]), lengths


def scramble(values: Hashes) -> Hashes:
    """Finaliser of SplitMix64 (Steele et al. 2014): one-to-one, every input bit moves all."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _offsets(lengths: Ints) -> Ints:
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])
