"""What can be said of a text without knowing what it means: length, signs, unknown tokens."""

import json
import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache, partial

import numpy as np
from tokenizers import Tokenizer

from tasks.monitor.measures import Floats

UNKNOWN = "unknown_tokens"
_EMOJI = re.compile("[\U0001f1e6-\U0001f1ff\U0001f300-\U0001faff\u2600-\u27bf]")
Traits = dict[str, Floats]  # by name, one number per text


def measure_texts(texts: Sequence[str], tokenizer: Tokenizer) -> Traits:
    """All but the first two are shares; a tokenizer that knows every text has no unknown tokens."""
    traits = {name: _each(texts, of) for name, of in _OF_A_TEXT.items()}
    unknown = _unknown_id(tokenizer)
    if unknown is not None:
        rows = tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        shares = [row.ids.count(unknown) / max(1, len(row.ids)) for row in rows]
        traits[UNKNOWN] = np.array(shares, dtype=float)
    return traits


def _each(texts: Sequence[str], of: Callable[[str], float]) -> Floats:
    return np.fromiter(map(of, texts), dtype=float, count=len(texts))


def _num_words(text: str) -> float:
    return len(text.split())


def _share(text: str, is_one: Callable[[str], bool]) -> float:
    return sum(map(is_one, text)) / max(1, len(text))


@cache
def _is_punctuation(sign: str) -> bool:
    return unicodedata.category(sign).startswith("P")


def _is_not_ascii(sign: str) -> bool:
    return not sign.isascii()


def _emoji_share(text: str) -> float:
    return 0.0 if text.isascii() else len(_EMOJI.findall(text)) / len(text)


def _unknown_id(tokenizer: Tokenizer) -> int | None:
    """Most models name the token, Unigram its number; one of bytes has none."""
    model = json.loads(tokenizer.to_str())["model"]
    if (name := model.get("unk_token")) is not None:
        found: int | None = tokenizer.token_to_id(name)
        return found
    number: int | None = model.get("unk_id")
    return number


_OF_A_TEXT: dict[str, Callable[[str], float]] = {
    "characters": len,
    "words": _num_words,
    "letters": partial(_share, is_one=str.isalpha),
    "digits": partial(_share, is_one=str.isdigit),
    "punctuation": partial(_share, is_one=_is_punctuation),
    "emoji": _emoji_share,
    "non_ascii": partial(_share, is_one=_is_not_ascii),
}
