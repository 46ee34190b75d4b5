"""Tables of AGGREGATED rows in a line, and the shipped params."""

import random
import string
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from tasks import records
from tasks.clean.params import CleanParams
from tasks.params import load_params

PARAMS = load_params("clean", CleanParams, Path(__file__).parents[3] / "params.yaml")


def aggregated(
    texts: Sequence[str],
    votes: Sequence[list[str]] | None = None,
    raters: Sequence[list[str] | None] | None = None,
) -> pa.Table:
    """One row per text; ids are 'id00', 'id01', ... in their order."""
    rows = [
        {
            "example_id": f"id{number:02}",
            "text": text,
            "source": "shop",
            "votes": votes[number] if votes else ["1"],
            "raters": raters[number] if raters else None,
            "created_at": None,
            "origin": f"shop.csv:{number + 1}",
        }
        for number, text in enumerate(texts)
    ]
    return pa.Table.from_pylist(rows, records.AGGREGATED)


def sentences(number: int, seed: int = 5, num_words: int = 14) -> list[str]:
    """Texts of random words, no two alike."""
    rng = random.Random(seed)
    words = ["".join(rng.choices(string.ascii_lowercase, k=rng.randint(2, 9))) for _ in range(3000)]
    return [" ".join(rng.choices(words, k=num_words)) for _ in range(number)]


def sets_of(keys: Sequence[str], size: int) -> list[set[str]]:
    """The set of character shingles of each key."""
    padded = [" " * (size - 1) + key for key in keys]
    return [{text[at : at + size] for at in range(len(text) - size + 1)} for text in padded]
