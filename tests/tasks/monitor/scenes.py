"""Texts of invented languages, groups of answered texts, and a reference to compare with."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import yaml
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from tasks.monitor.drift import Yardstick
from tasks.monitor.embedding import Embedding
from tasks.monitor.group import Group, make_group
from tasks.monitor.params import MonitorParams
from tasks.params import load_params
from tests.project import REPOSITORY

CLASSES = ("bad", "fair", "good")
SHARES = (0.3, 0.2, 0.5)
_LETTERS = {"home": "abcdeilmnorst", "away": "äöüßкжщыfhkpv"}
_NUM_WORDS = 500


def monitor_params(**changes: object) -> MonitorParams:
    """As shipped, but for these, by dotted key."""
    tree = load_params("monitor", MonitorParams, REPOSITORY / "params.yaml").model_dump()
    for key, value in changes.items():
        *path, last = key.split("__")
        section = tree
        for step in path:
            section = section[step]
        assert last in section
        section[last] = value
    return MonitorParams.model_validate(tree)


SMALL_EMBEDDING = {"num_features": 1024, "num_components": 10, "num_folds": 3}


def make_words(language: str) -> list[str]:
    """Some often, most seldom; always the same."""
    random = np.random.default_rng(len(language) * 7 + ord(language[0]))
    letters = list(_LETTERS[language])
    sizes = 2 + random.poisson(3, _NUM_WORDS)
    return ["".join(random.choice(letters, size)) for size in sizes]


def make_texts(
    number: int, seed: int, language: str = "home", num_words: float = 14.0
) -> list[str]:
    random = np.random.default_rng(seed)
    words = np.array(make_words(language))
    weights = 1 / np.arange(1, _NUM_WORDS + 1)
    sizes = 1 + random.poisson(num_words, number)
    drawn = random.choice(words, sizes.sum(), p=weights / weights.sum())
    return [" ".join(part) + "." for part in np.split(drawn, np.cumsum(sizes)[:-1])]


def make_tokenizer() -> Tokenizer:
    """Knows the words of home."""
    vocabulary = {word: i for i, word in enumerate(dict.fromkeys(["[UNK]", *make_words("home")]))}
    tokenizer = Tokenizer(WordLevel({**vocabulary, ".": len(vocabulary)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    return tokenizer


def make_answered(
    texts: Sequence[str], seed: int, shares: Sequence[float] = SHARES, confidence: float = 8.0
) -> Group:
    """Labels by these shares; the larger `confidence` is, the surer they are."""
    random = np.random.default_rng(seed)
    predicted = random.choice(np.array(CLASSES, dtype=object), len(texts), p=shares)
    return make_group(texts, make_tokenizer(), predicted, random.beta(confidence, 2, len(texts)))


def make_yardstick(params: MonitorParams, num_rows: int = 1200, seed: int = 10_000) -> Yardstick:
    reference = make_answered(make_texts(num_rows, seed), seed)
    embedding = Embedding(reference.texts.tolist(), params.drift.embedding, params.seed)
    return Yardstick(reference, embedding, params)


def write_params(folder: Path, **monitor: object) -> None:
    """The shipped file but for these of section `monitor`."""
    tree = yaml.safe_load((folder / "params.yaml").read_text(encoding="utf-8"))
    tree["monitor"] = monitor_params(**monitor).model_dump()
    (folder / "params.yaml").write_text(yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")
