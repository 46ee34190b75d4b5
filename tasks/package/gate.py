"""What a bundle must pass before it counts."""

import logging
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tasks.errors import GateError, InputError
from tasks.package.examples import Examples, Floats
from tasks.predictor import Predictor, softmax

_BATCH_SIZES = (1, 7)  # alone, and in batches of mixed lengths
log = logging.getLogger(__name__)


class Agreement(NamedTuple):
    """Largest differences between two runtimes of one network."""

    max_logit_difference: float
    max_probability_difference: float


class Loss(NamedTuple):
    """What int8 costs on the test split."""

    fp32_macro_f1: float
    int8_macro_f1: float
    int8_loss_points: float  # of macro F1, 1 point = 0.01; negative: int8 is better
    int8_same_class: float  # share of texts that both put into one class


def compare(
    trained: Predictor, exported: Predictor, texts: Sequence[str], bound: float
) -> Agreement:
    """Text in, logits and probabilities out, in batches of several sizes; GateError above `bound`.

    A difference that is no number counts as too large.
    """
    agreements = []
    for batch_size in _BATCH_SIZES:
        expected, found = (each.logits(texts, batch_size) for each in (trained, exported))
        differences = np.abs(found - expected).max(axis=1)
        worst = int(differences.argmax())
        if not differences[worst] <= bound:
            raise GateError(
                f"ONNX model: logits of {texts[worst][:80]!r} are {differences[worst]:.2g} off the "
                f"trained network's (batches of {batch_size}), at most {bound:.2g} expected. "
                "The export is wrong: try another package.opset."
            )
        probability_difference = np.abs(softmax(found) - softmax(expected)).max()
        agreements.append((differences[worst], probability_difference))
    return Agreement(*(round(float(worst), 7) for worst in np.max(agreements, axis=0)))


def check_same_model(trained: Predictor, examples: Examples, some: list[int], bound: float) -> None:
    """InputError unless evaluate's predictions are those of this very network."""
    found = trained.probs([examples.texts[index] for index in some])
    worst = np.abs(found - examples.probs[some]).max()
    if not worst <= bound:
        raise InputError(
            f"evaluate's predictions are {worst:.2g} off this model's, at most {bound:.2g} "
            "expected: they are of another model. Re-run the stage `evaluate`."
        )


def measure_loss(examples: Examples, classes: Sequence[str], int8_probs: Floats) -> Loss:
    """int8 against the network's own predictions, which fp32 ONNX repeats within its bound."""
    from sklearn.metrics import f1_score  # noqa: PLC0415  slow to import

    labels = [list(classes).index(label) for label in examples.labels]
    answers = [probs.argmax(axis=1) for probs in (examples.probs, int8_probs)]
    # over the classes that occur among labels or answers, as evaluate has it
    fp32, int8 = (
        float(f1_score(labels, answer, average="macro", zero_division=0)) for answer in answers
    )
    return Loss(fp32, int8, 100 * (fp32 - int8), float((answers[0] == answers[1]).mean()))
