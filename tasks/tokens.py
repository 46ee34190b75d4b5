"""Texts to token ids and padded batches, the same for training, evaluation and serving."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from tasks.errors import InputError

Ids = npt.NDArray[np.int64]


def load_tokenizer(folder: Path, max_tokens: int) -> Tokenizer:
    """The tokenizer of a model folder, cutting texts at `max_tokens` (special tokens included)."""
    file = folder / "tokenizer.json"
    if not file.is_file():
        raise InputError(
            f"{file}: no such file; an encoder folder holds config.json, model.safetensors and "
            "tokenizer.json. Save it with transformers' save_pretrained (fast tokenizer)."
        )
    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    return tokenizer


def encode(tokenizer: Tokenizer, texts: Sequence[str]) -> list[list[int]]:
    return [encoding.ids for encoding in tokenizer.encode_batch_fast(list(texts))]


def pad(rows: Sequence[Sequence[int]]) -> tuple[Ids, Ids]:
    """Token ids and attention mask, both of shape (rows, longest row), padded on the right.

    The padding id is 0; any id would do, since the mask hides it. One column at least: without
    special tokens a text can have no token at all, and no network reads zero columns.
    """
    longest = max([1, *map(len, rows)])
    ids = np.zeros((len(rows), longest), dtype=np.int64)
    mask = np.zeros_like(ids)
    for index, row in enumerate(rows):
        ids[index, : len(row)] = row
        mask[index, : len(row)] = 1
    return ids, mask


def batches_by_length(rows: Sequence[Sequence[int]], batch_size: int) -> list[Ids]:
    """Indices of rows in batches of like length, so that little is padded; longest batch first."""
    order = np.argsort([-len(row) for row in rows], kind="stable")
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
