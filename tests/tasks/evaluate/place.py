"""A working folder in which the stage runs on a tiny model: params, splits, model."""

from pathlib import Path
from typing import Any

import yaml

from tasks.evaluate.__main__ import main
from tests.tasks.evaluate.splits import FAST, SHIPPED, write_split
from tests.tiny_model import write_tiny_model

CLASSES = ["NA", "None", "1e5"]
ADJECTIVES = ["good", "bad", "very | bad", "great <b>", "awful", "not $good$", "was it", "the film"]


def make_rows(number: int, classes: list[str]) -> dict[str, Any]:
    return {
        "texts": [f"was {ADJECTIVES[n % 8]}, {'so ' * (n % 5)}number {n}" for n in range(number)],
        "labels": [classes[(n * n) % len(classes)] for n in range(number)],
        "sources": ["lone" if n < 6 else f"source {n % 2}" for n in range(number)],
        "mean_votes": [n % 7 - 3.0 for n in range(number)],
    }  # fmt: skip


class Place:
    """A working folder with params, splits and a model."""

    def __init__(self, folder: Path, classes: list[str], ordered: bool = True) -> None:
        self.folder = folder
        train, test = make_rows(60, classes), make_rows(50, classes)
        test["labels"][:6] = [classes[0]] * 6  # a source of one class
        self.train = write_split(folder / "train.parquet", **train)
        self.test = write_split(folder / "test.parquet", **test)
        self.labels = test["labels"]
        self.model = write_tiny_model(folder / "model", classes, ordered)
        params = SHIPPED.model_dump() | {"intervals": FAST}
        if not ordered:
            params["checks"] = []
        (folder / "params.yaml").write_text(yaml.safe_dump({"evaluate": params}))

    def run(self, name: str = "data/evaluate") -> Path:
        main(self.train, self.test, self.model, self.folder / name)
        return self.folder / name
