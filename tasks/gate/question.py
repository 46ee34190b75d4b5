"""What the gate was asked: a verdict holds for as long as the question stays the same."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from tasks.artifacts import json_bytes, sha256_of
from tasks.evaluate.params import EvaluateParams
from tasks.gate.params import GateParams


def question_of(params: GateParams, evaluate: EvaluateParams, files: Sequence[Path]) -> str:
    """sha256 of the bounds, the behavioural checks and the rows; the bundles are named elsewhere.

    Args:
        files: The test split, the metrics of stage validate and the hold-out, as far as there is.
    """
    asked = {
        "gate": params.model_dump(mode="json"),
        "checks": [check.model_dump(mode="json") for check in evaluate.checks],
        "calibration_bins": evaluate.calibration_bins,
        "files": [sha256_of(file) if file.is_file() else "" for file in files],
    }
    return hashlib.sha256(json_bytes(asked)).hexdigest()
