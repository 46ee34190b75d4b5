"""Evidence made of answers whose quality is known, for the judge alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.bundle import Manifest, Origin
from tasks.gate.condition import holds
from tasks.gate.evidence import Broken, Evidence, Measured, Rows, Unscored
from tasks.gate.judge import judge
from tasks.gate.params import GateParams
from tasks.label_set import LabelSet
from tasks.params import load_params
from tasks.verdict import Verdict
from tests.tasks.evaluate.splits import make_examples

Ints = npt.NDArray[np.int64]
SHIPPED = load_params("gate", GateParams, Path(__file__).parents[3] / "params.yaml")
CLASSES = ("bad", "fair", "good")
GREEN = holds("data_gate", True, "green", "green", "22 rules")
NUM_ROWS = 3000
LABELS: Ints = np.random.default_rng(5).integers(0, 3, NUM_ROWS)
NOW, THEN = {"train": "2", "validation": "2"}, {"train": "1", "validation": "2"}


def guess(right_share: float, seed: int, labels: Ints = LABELS) -> Ints:
    """Answers of which about so many are right, wherever they are."""
    random = np.random.default_rng(seed)
    wrong = (labels + random.integers(1, 3, len(labels))) % 3
    return np.where(random.random(len(labels)) < right_share, labels, wrong)


def spoil(answers: Ints, rows: npt.NDArray[np.bool_], share: float, seed: int = 9) -> Ints:
    """So many of the answers in these rows become another class."""
    hit = rows & (np.random.default_rng(seed).random(len(answers)) < share)
    return np.where(hit, (answers + 1) % 3, answers)


def as_probs(predicted: Ints, confidence: float | None = None) -> npt.NDArray[np.float64]:
    """As confident as it is right, unless told otherwise."""
    if confidence is None:
        confidence = min(0.99, float((predicted == LABELS[: len(predicted)]).mean()))
    probs = np.full((len(predicted), 3), (1 - confidence) / 2)
    probs[np.arange(len(predicted)), predicted] = confidence
    return probs


def make_manifest(data: dict[str, str], uncommitted: bool | None = False) -> Manifest:
    origin = Origin(
        commit="c", uncommitted_changes=uncommitted, data={"test": "t"} | data, libraries={},
        num_examples=1000 * int(data.get("train", "0")), newest=None,
    )  # fmt: skip
    return Manifest(files={}, default="int8", checks={}, origin=origin)


def make_model(predicted: Ints, data: dict[str, str] | None = None, **changes: Any) -> Measured:
    return Measured(
        manifest=make_manifest(NOW if data is None else data),
        label_set=LabelSet(classes=CLASSES, ordered=True),
        probs=as_probs(predicted),
        holdout_probs=None,
        pass_rates={"typos": 0.9},
        milliseconds=3.0,
        megabytes=30.0,
    )._replace(**changes)


def make_evidence(
    candidate: Measured | Broken,
    champion: Measured | Unscored | Broken | None,
    sources: Sequence[str] | None = None,
    labels: Ints = LABELS,
) -> Evidence:
    test = make_examples(labels.tolist(), sources)
    rows = None if isinstance(candidate, Broken) else Rows(test, "t", None)
    ids = ("1" * 64, "2" * 64 if champion else None)
    return Evidence(len(labels), rows, candidate, champion, ids, GREEN)


def decide(*evidence: Any, **more: Any) -> Verdict:
    return judge(make_evidence(*evidence, **more), SHIPPED, num_bins=15)


def failed_names(verdict: Verdict) -> set[str]:
    return {condition.name for condition in verdict.failed}
