"""The weights that training leaves are those of the epoch that params say is the best."""

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tasks.torch_predictor import load_predictor
from tests.tasks.train.workspace import train, write_workspace

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("choose_by", "column", "sign"), [("loss", "validation_loss", -1), ("macro_f1", "macro_f1", 1)]
)
def test_the_weights_are_of_the_best_epoch(
    tmp_path: Path, choose_by: str, column: str, sign: int
) -> None:
    folder = write_workspace(tmp_path, max_epochs=5, patience_epochs=5, choose_epoch_by=choose_by)
    train(folder)
    curve = list(csv.DictReader((folder / "models/train/history.csv").read_text().splitlines()))
    losses = [float(row["validation_loss"]) for row in curve]
    scores = [float(row["macro_f1"]) for row in curve]
    assert np.argmin(losses) != np.argmax(scores), "this training cannot tell the two apart"
    best = int(np.argmax([sign * float(row[column]) for row in curve]))
    metrics = json.loads((folder / "models/train/metrics.json").read_text())["train"]
    assert metrics["best_epoch"] == best + 1
    assert metrics["validation_loss"] == losses[best]
    assert loss_on_validation(folder) == pytest.approx(losses[best], rel=1e-4)


def loss_on_validation(folder: Path) -> float:
    """Of the model that was written, by other code than training's."""
    rows = pq.read_table(folder / "validation.parquet")
    probs = load_predictor(folder / "models/train/model").probs(rows["text"].to_pylist())
    votes = np.array(rows["label_probs"].to_pylist())
    hard = np.eye(2)[[int(label == "good") for label in rows["label"].to_pylist()]]
    return float(-((0.5 * hard + 0.5 * votes) * np.log(probs)).sum(axis=1).mean())
