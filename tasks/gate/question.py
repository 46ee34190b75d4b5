"""What the gate was asked: a verdict holds for as long as the question stays the same."""

import hashlib
from pathlib import Path

from tasks.artifacts import json_bytes, sha256_of
from tasks.evaluate.params import EvaluateParams
from tasks.gate.params import GateParams


def failed_report(validation: Path) -> Path:
    """Beside the metrics of stage validate: there since the stage turned newer data down."""
    folder = validation.parent
    return folder.with_name(f"{folder.name}-failed") / "report.json"


def question_of(
    params: GateParams, evaluate: EvaluateParams, test: Path, validation: Path, holdout: Path | None
) -> str:
    """sha256 of the bounds, the behavioural checks, the rows and what stage validate says of them;
    the bundles are named elsewhere."""
    files = [test, validation, failed_report(validation), *([holdout] if holdout else [])]
    asked = {
        "gate": params.model_dump(mode="json"),
        "checks": [check.model_dump(mode="json") for check in evaluate.checks],
        "calibration_bins": evaluate.calibration_bins,
        "files": [sha256_of(file) if file.is_file() else "" for file in files],
    }
    return hashlib.sha256(json_bytes(asked)).hexdigest()
