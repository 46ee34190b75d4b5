"""Real tiny models, trained and packaged by the real stages, for the gate to judge."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import yaml

from tasks.artifacts import json_bytes
from tasks.label_set import LabelSet, read_label_set, write_label_set
from tasks.package.__main__ import main as package_stage
from tasks.records import LABELLED, PREDICTED, read_table, write_table
from tasks.torch_predictor import load_predictor
from tasks.train.__main__ import main as train_stage
from tests.tiny_bundle import ROOT
from tests.tiny_model import write_tiny_encoder

CLASSES = ("bad", "fair", "good")
VALUES = {"good": 1, "great": 1, "bad": -1, "awful": -1, "the": 0, "film": 0, "food": 0, "was": 0}
NUM_TEST_ROWS = 1500
NOISE = 0.05  # share of labels that are drawn at random
SMALL = {
    "network": {"max_tokens": 24, "frozen_layers": None, "encoder_dropout": 0.1},
    "learning": {"batch_size": 16, "learning_rate": 1e-3, "head_learning_rate": 3e-3,
                 "hard_label_share": 1.0, "choose_epoch_by": "macro_f1"},
    "run": {"threads": 1},
    "scale": {"precision": "fp32", "strategy": "single"},
}  # fmt: skip


def make_rows(num_rows: int, seed: int) -> pa.Table:
    """Texts whose class is the sign of what their words are worth; some labels are wrong."""
    random = np.random.default_rng(seed)
    rows = []
    for number in range(num_rows):
        words = random.choice(list(VALUES), size=random.integers(3, 9)).tolist()
        index = 1 + int(np.sign(sum(VALUES[word] for word in words)))
        if random.random() < NOISE:
            index = int(random.integers(3))
        rows.append(
            {
                "example_id": f"{seed}-{number:05}", "text": " ".join(words),
                "source": ("ann", "bob")[number % 2], "votes": [CLASSES[index]], "raters": None,
                "created_at": None, "origin": f"made:{number}", "duplicate_ids": [],
                "group_id": f"{number:05}", "label": CLASSES[index],
                "label_probs": np.eye(3)[index].tolist(), "agreement": 1.0, "mean_vote": None,
            }
        )  # fmt: skip
    return pa.Table.from_pylist(rows, schema=LABELLED)


class Arena:
    """A folder with one test split, and a folder in it per model."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.test = folder / "test.parquet"
        self.metrics = folder / "validate/metrics.json"
        write_table(self.test, make_rows(NUM_TEST_ROWS, seed=1), LABELLED)
        write_label_set(folder / "label_set.json", LabelSet(classes=CLASSES, ordered=True))
        write_tiny_encoder(folder / "encoders/encoder")
        self.metrics.parent.mkdir()
        green = {"rules": 22, "rules_failed": 0, "rows_in": 9, "rows_out": 9, "rejected": 0}
        self.metrics.write_bytes(json_bytes({"validate": green}))

    def train(self, name: str, seed: int, max_epochs: int, num_rows: int = 800) -> Path:
        """The bundle of a model that the real stages train and package."""
        place = self.folder / name
        rows = make_rows(num_rows, seed=2)
        write_table(place / "split/train.parquet", rows, LABELLED)
        write_table(place / "split/validation.parquet", rows.slice(0, 32), LABELLED)
        write_table(place / "split/test.parquet", read_table(self.test, LABELLED), LABELLED)
        write_params(place, seed, max_epochs)
        with contextlib.chdir(place):
            train_stage(
                Path("split/train.parquet"), Path("split/validation.parquet"),
                self.folder / "label_set.json", self.folder / "encoders", Path("train"),
            )  # fmt: skip
            write_predictions(Path("evaluate"), Path("train/model"))
            package_stage(
                Path("train/model"), Path("split/test.parquet"), Path("evaluate/metrics.json"),
                Path("evaluate/predictions.parquet"), Path("package"),
            )  # fmt: skip
        return place / "package/bundle"


def write_params(place: Path, seed: int, max_epochs: int, **gate: object) -> None:
    """The shipped params, but for a tiny network and the checks that go with other texts."""
    tree = yaml.safe_load((ROOT / "params.yaml").read_text())
    for group, changes in SMALL.items():
        tree["train"][group] |= changes
    tree["train"]["learning"]["max_epochs"] = max_epochs
    tree["train"]["run"]["seed"] = seed
    tree["tracking"]["loggers"] = []
    tree["evaluate"]["checks"] = []
    tree["package"]["int8"]["max_loss_points"] = 100.0
    tree["gate"] |= gate
    (place / "params.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))


def write_predictions(target: Path, model: Path) -> None:
    """What stage evaluate hands to package."""
    table = read_table(Path("split/test.parquet"), LABELLED)
    predictor = load_predictor(model)
    classes: Sequence[str] = read_label_set(model / "label_set.json").classes
    probs = predictor.probs(table["text"].to_pylist())
    columns = [
        table["example_id"].to_pylist(), table["label"].to_pylist(),
        [classes[index] for index in probs.argmax(axis=1)], probs.tolist(),
    ]  # fmt: skip
    arrays = [pa.array(column, kind.type) for column, kind in zip(columns, PREDICTED, strict=True)]
    write_table(
        target / "predictions.parquet", pa.Table.from_arrays(arrays, schema=PREDICTED), PREDICTED
    )
    (target / "metrics.json").write_bytes(json_bytes({"evaluate": {"macro_f1": 1.0}}))
