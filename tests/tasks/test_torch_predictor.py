"""A model folder turns into a Predictor, or says in one line why not."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import processors

from tasks.errors import InputError
from tasks.tokens import pad
from tasks.torch_predictor import load_predictor
from tasks.train.model import load_classifier
from tests.tiny_model import write_tiny_model

CLASSES = ["NA", "1e5", "True"]
TEXTS = ["it was good", "the film was awful!", "", "x " * 200, "it was not bad"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tiny_model(tmp_path / "model", CLASSES)


def test_a_model_folder_scores_texts_as_the_network_alone_does(folder: Path) -> None:
    predictor = load_predictor(folder)
    assert list(predictor.label_set.classes) == CLASSES
    logits = predictor.logits(TEXTS, batch_size=2)
    network = load_classifier(folder)
    for text, found in zip(TEXTS, logits, strict=True):
        ids, mask = pad([predictor.tokenizer.encode(text.strip()).ids])
        with torch.no_grad():
            expected = network(torch.from_numpy(ids), torch.from_numpy(mask))[0].numpy()
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_probabilities_sum_to_one_and_differ_between_texts(folder: Path) -> None:
    probs = load_predictor(folder).probs(TEXTS)
    np.testing.assert_allclose(probs.sum(axis=1), 1)
    assert len({tuple(row) for row in probs.round(6).tolist()}) == len(TEXTS)


def test_a_text_of_no_token_gets_an_answer_that_its_company_does_not_change(folder: Path) -> None:
    predictor = load_predictor(folder)
    predictor.tokenizer.post_processor = processors.TemplateProcessing(single="$A")
    assert predictor.tokenizer.encode("").ids == []
    alone = predictor.logits([""])
    assert np.isfinite(alone).all()
    np.testing.assert_allclose(predictor.logits(TEXTS)[2:3], alone, atol=1e-6)


def test_no_texts_give_no_rows(folder: Path) -> None:
    assert load_predictor(folder).probs([]).shape == (0, 3)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("classifier.json", None),
        ("classifier.json", b"{}"),
        ("classifier.json", b"[1]"),
        ("label_set.json", None),
        ("label_set.json", b"{"),
        ("tokenizer.json", None),
        ("model.safetensors", None),
    ],
)
def test_a_missing_or_broken_part_is_named_in_one_line(
    folder: Path, name: str, content: bytes | None
) -> None:
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(content)
    with pytest.raises(InputError, match=name) as caught:
        load_predictor(folder)
    assert "\n" not in str(caught.value)
