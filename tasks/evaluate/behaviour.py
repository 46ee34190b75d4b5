"""Behavioural checks: does the prediction stay, or move, as a change of the text says it should?"""

import logging
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tasks.errors import ParamsError
from tasks.evaluate.examples import Examples, Floats
from tasks.evaluate.params import Check, Direction, Invariance
from tasks.evaluate.perturb import Pair, make_pairs
from tasks.evaluate.scores import expected_scores
from tasks.label_set import LabelSet

log = logging.getLogger(__name__)
ScoreTexts = Callable[[Sequence[str]], Floats]  # texts -> probabilities (texts, classes)
Failure = dict[str, str | float]


class Outcome(NamedTuple):
    """A check and how its pairs fared."""

    check: Check
    num_pairs: int
    failures: list[Failure]

    @property
    def pass_rate(self) -> float | None:
        """None when no text was there that the change would have changed."""
        return 1 - len(self.failures) / self.num_pairs if self.num_pairs else None


def run_checks(
    checks: Sequence[Check], examples: Examples, label_set: LabelSet, score: ScoreTexts
) -> list[Outcome]:
    """Outcomes in the order of the checks; every text is scored once, however many checks use it.

    ParamsError when a check measures what the label set does not have.
    """
    for check in checks:
        _refuse_unmeasurable(check, label_set)
    pairs = [make_pairs(check, examples) for check in checks]
    texts = list(dict.fromkeys(text for some in pairs for pair in some for text in pair))
    place = {text: index for index, text in enumerate(texts)}
    probs = score(texts)
    return [
        judge(
            check,
            some,
            probs[[place[pair.before] for pair in some]],
            probs[[place[pair.after] for pair in some]],
            label_set.classes,
        )
        for check, some in zip(checks, pairs, strict=True)
    ]


def judge(
    check: Check, pairs: Sequence[Pair], before: Floats, after: Floats, classes: Sequence[str]
) -> Outcome:
    """Which pairs fail, given the probabilities before and after, both (pairs, classes)."""
    if not pairs:
        log.warning("check '%s' found no text to change; it says nothing", check.name)
    moves = measure_moves(check.expect, before, after, classes)
    kept = passes(check.expect, before, after, moves)
    failures: list[Failure] = [
        {
            "check": check.name,
            "before": pair.before,
            "after": pair.after,
            "predicted_before": classes[before[index].argmax()],
            "predicted_after": classes[after[index].argmax()],
            "move": float(moves[index]),
        }
        for index, pair in enumerate(pairs)
        if not kept[index]
    ]
    return Outcome(check, len(pairs), failures)


def measure_moves(
    expect: Invariance | Direction, before: Floats, after: Floats, classes: Sequence[str]
) -> Floats:
    """How far each pair moved, shape (pairs,).

    Direction: the change of the expected score (in classes) or of the named class's probability.
    Invariance: half the sum of the changes of all probabilities (total variation), 0 to 1.
    """
    if isinstance(expect, Invariance):
        moves: Floats = np.abs(after - before).sum(axis=1) / 2
    elif expect.of_class is None:
        moves = expected_scores(after) - expected_scores(before)
    else:
        of_class = list(classes).index(expect.of_class)
        moves = after[:, of_class] - before[:, of_class]
    return moves


def passes(
    expect: Invariance | Direction, before: Floats, after: Floats, moves: Floats
) -> npt.NDArray[np.bool_]:
    if isinstance(expect, Invariance):
        stays: npt.NDArray[np.bool_] = before.argmax(axis=1) == after.argmax(axis=1)
        return stays
    sign = 1 if expect.moves == "up" else -1
    return sign * moves >= expect.min_move


def _refuse_unmeasurable(check: Check, label_set: LabelSet) -> None:
    if isinstance(check.expect, Invariance):
        return
    of_class = check.expect.of_class
    if of_class is None and not label_set.ordered:
        raise ParamsError(
            f"params.yaml: evaluate.checks '{check.name}' measures the expected score, but "
            "label.ordered is false. Name a class in its expect.of_class."
        )
    if of_class is not None and of_class not in label_set.classes:
        raise ParamsError(
            f"params.yaml: evaluate.checks '{check.name}' has expect.of_class '{of_class}', but "
            f"the classes are {list(label_set.classes)}. Name one of them."
        )
