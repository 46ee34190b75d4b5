"""The package stage run for real on a tiny model: its inputs, and the bundle it makes."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

from tasks.artifacts import json_bytes
from tasks.package.__main__ import main
from tasks.records import PREDICTED, write_table
from tasks.torch_predictor import load_predictor
from tests.tasks.evaluate.splits import write_split
from tests.tiny_model import write_tiny_model

ROOT = Path(__file__).parents[1]
CLASSES = ("NA", "None", "1e5", "True")
WORDS = ["the", "film", "was", "good", ".", "it", "is", "not", "awful", "!", "bad", "food", "?"]


def write_inputs(
    folder: Path, classes: Sequence[str] = CLASSES, num_rows: int = 48, seed: int = 0
) -> Path:
    """A model, its splits, what evaluate says of it, and the shipped params; returns `folder`."""
    model = write_tiny_model(folder / "model", classes, seed=seed)
    texts = [" ".join(WORDS[i % 5 : i % 5 + 1 + i % 9] * (1 + i % 3)) for i in range(num_rows)]
    sources = [("ann", "bob")[i % 2] for i in range(num_rows)]
    predictor = load_predictor(model)
    probs = predictor.probs(texts)
    labels = [classes[i % len(classes)] for i in range(num_rows)]
    predicted = [classes[index] for index in probs.argmax(axis=1)]
    for split in ("train", "validation", "test"):
        write_split(folder / f"split/{split}.parquet", texts, labels, sources)
    columns = [[f"{i:04}" for i in range(num_rows)], labels, predicted, probs.tolist()]
    arrays = [pa.array(column, kind.type) for column, kind in zip(columns, PREDICTED, strict=True)]
    predictions = pa.Table.from_arrays(arrays, schema=PREDICTED)
    write_table(folder / "evaluate/predictions.parquet", predictions, PREDICTED)
    (folder / "evaluate/metrics.json").write_bytes(json_bytes({"evaluate": {"macro_f1": 1.0}}))
    write_params(folder)
    return folder


def write_params(folder: Path, **int8: Any) -> None:
    tree = yaml.safe_load((ROOT / "params.yaml").read_text())
    tree["package"]["num_golden"] = 12
    tree["package"]["int8"] |= {"max_loss_points": 100.0} | int8
    (folder / "params.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))


def package(folder: Path, target: str = "package") -> Path:
    """Run the stage on what `write_inputs` left; returns the bundle."""
    with contextlib.chdir(folder):
        main(
            Path("model"),
            Path("split/test.parquet"),
            Path("evaluate/metrics.json"),
            Path("evaluate/predictions.parquet"),
            Path(target),
        )
    return folder / target / "bundle"
