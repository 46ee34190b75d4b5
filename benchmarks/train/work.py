"""What every contestant is given: the same encoder, texts, batch size and number of steps."""

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from tasks.label_set import read_label_set
from tasks.params import load_params
from tasks.records import LABELLED, read_table
from tasks.tokens import load_tokenizer, pad
from tasks.train.data import Examples
from tasks.train.params import TrainParams

ENCODER = Path("data/fetch/encoder")
SPLIT = Path("data/split/train.parquet")
LABEL_SET = Path("data/label/label_set.json")
Row = tuple[list[int], int]  # token ids, number of the class


class Work(NamedTuple):
    encoder: Path
    examples: Examples
    params: TrainParams  # as shipped, with what the benchmark changes for all
    num_epochs: int  # the last one is timed; an earlier one warms up and compiles

    @property
    def num_steps(self) -> int:
        """Of one epoch."""
        return math.ceil(len(self.examples) / self.params.learning.batch_size)

    @property
    def num_classes(self) -> int:
        return len(self.examples.label_set.classes)

    @property
    def rows(self) -> list[Row]:
        return list(zip(self.examples.rows, self.examples.labels.tolist(), strict=True))


class Stopwatch:
    """Seconds from an epoch's begin to the end of its last step, a GPU's queued work included.

    Saving and validation come after that step and do not count, whoever does them.
    """

    def __init__(self, num_steps: int) -> None:
        self.num_steps = num_steps
        self.num_left = 0
        self.began = self.seconds = 0.0

    def begin_epoch(self) -> None:
        self.num_left = self.num_steps
        self.began = now()

    def end_step(self) -> None:
        self.num_left -= 1
        if self.num_left == 0:
            self.seconds = now() - self.began


def now() -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def prepare(num_examples: int, num_epochs: int, **changes: Any) -> Work:
    """The shipped encoder and the first rows of its train split in a fixed random order."""
    changes = {"strategy": "single", "devices": 1, "log_every_batches": 10_000, **changes}
    params = change(load_params("train", TrainParams), max_epochs=num_epochs, **changes)
    tokenizer = load_tokenizer(ENCODER, params.network.max_tokens)
    examples = Examples(shuffled(num_examples), read_label_set(LABEL_SET), tokenizer)
    return Work(ENCODER, examples, params, num_epochs)


def shuffled(num_rows: int) -> pa.Table:
    table = read_table(SPLIT, LABELLED)
    order = torch.randperm(len(table), generator=torch.Generator().manual_seed(0))
    return table.take(order[:num_rows].numpy())


def change(params: TrainParams, **changes: Any) -> TrainParams:
    """`changes` name keys of any of train's groups."""
    tree = params.model_dump()
    for key, value in changes.items():
        next(group for group in tree.values() if key in group)[key] = value
    return TrainParams.model_validate(tree)


def plain_loader(work: Work) -> DataLoader[Row]:
    """As a tutorial writes it: shuffled, each batch padded to its longest text."""
    size = work.params.learning.batch_size
    return DataLoader(work.rows, size, shuffle=True, collate_fn=collate)  # type: ignore[arg-type]


def collate(rows: Sequence[Row]) -> dict[str, Tensor]:
    ids, mask = pad([row for row, _ in rows])
    return {
        "input_ids": torch.from_numpy(ids),
        "attention_mask": torch.from_numpy(mask),
        "labels": torch.tensor([label for _, label in rows]),
    }
