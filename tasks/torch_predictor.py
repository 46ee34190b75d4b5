"""A trained model folder as a Predictor: what evaluate scores, and package compares against."""

import json
from pathlib import Path

from tasks.errors import InputError
from tasks.label_set import read_label_set
from tasks.predictor import Predictor
from tasks.tokens import load_tokenizer
from tasks.train.model import CLASSIFIER, LABEL_SET, load_classifier, torch_score


def load_predictor(folder: Path) -> Predictor:
    """The model of `models/train/model`; InputError, in one line, when a part is missing."""
    model = load_classifier(folder)
    tokenizer = load_tokenizer(folder, _read_max_tokens(folder / CLASSIFIER))
    return Predictor(read_label_set(folder / LABEL_SET), tokenizer, torch_score(model))


def _read_max_tokens(file: Path) -> int:
    try:
        return int(json.loads(file.read_text(encoding="utf-8"))["max_tokens"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f'{file}: expected {{"max_tokens": number}}, found {type(error).__name__}. '
            "Re-run the stage `train`."
        ) from None
