"""What is said of a text without knowing what it means."""

import numpy as np
import pytest
from tokenizers import Tokenizer
from tokenizers.models import BPE, Unigram

from tasks.monitor.traits import UNKNOWN, measure_texts
from tests.tasks.monitor.scenes import make_tokenizer, make_words

TEXTS = ["ab, 12!", "äö 👍🏽", "", "x"]


def test_lengths_and_shares_of_signs() -> None:
    traits = measure_texts(TEXTS, make_tokenizer())
    assert traits["characters"].tolist() == [7, 5, 0, 1]
    assert traits["words"].tolist() == [2, 2, 0, 1]
    assert traits["letters"] == pytest.approx([2 / 7, 2 / 5, 0, 1])
    assert traits["digits"] == pytest.approx([2 / 7, 0, 0, 0])
    assert traits["punctuation"] == pytest.approx([2 / 7, 0, 0, 0])
    assert traits["emoji"] == pytest.approx([0, 2 / 5, 0, 0])
    assert traits["non_ascii"] == pytest.approx([0, 4 / 5, 0, 0])


def test_unknown_tokens_are_those_of_the_releases_own_tokenizer() -> None:
    known, unknown = make_words("home")[:3], make_words("away")[:1]
    shares = measure_texts([" ".join([*known, *unknown]), known[0], ""], make_tokenizer())[UNKNOWN]
    assert shares.tolist() == [0.25, 0, 0]


def test_a_tokenizer_that_knows_every_text_has_none_and_unigram_names_a_number() -> None:
    assert UNKNOWN not in measure_texts(["a"], Tokenizer(BPE({"a": 0}, [])))
    unigram = Tokenizer(Unigram([("<unk>", 0.0), ("a", -1.0)], unk_id=0))
    assert measure_texts(["a", "§"], unigram)[UNKNOWN].tolist() == [0, 1]
    assert np.isfinite(measure_texts([], unigram)[UNKNOWN]).all()
