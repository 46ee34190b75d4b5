"""Training data in memory: token ids, soft targets, and padded batches of them."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from tasks.errors import InputError
from tasks.label_set import LabelSet
from tasks.records import LABELLED, read_table
from tasks.tokens import encode, pad
from tasks.train.batches import LengthBuckets, Portion, Seat, portions_of
from tasks.train.params import LearningParams, RunParams


class Batch(NamedTuple):
    ids: Tensor  # (rows, tokens), int64
    mask: Tensor  # (rows, tokens), int64
    target: Tensor  # (rows, classes), float32, rows summing to 1
    label: Tensor  # (rows,), int64
    weight: Tensor  # (rows,), float32: 1, or 0 for a row that only keeps a process in step
    num_whole: Tensor  # (), int64: rows of the whole batch, over all processes and parts
    example_ids: list[str]  # to name the culprits when a loss is not finite


class Examples(Dataset[Portion]):
    """A split, tokenised once. An item is the portion itself; `collate` makes batches of it."""

    def __init__(self, table: pa.Table, label_set: LabelSet, tokenizer: Tokenizer) -> None:
        self.table, self.label_set, self.tokenizer = table, label_set, tokenizer
        self.example_ids: list[str] = table["example_id"].to_pylist()
        self.rows = encode(tokenizer, table["text"].to_pylist())
        position = {name: index for index, name in enumerate(label_set.classes)}
        self.labels = np.array([position[name] for name in table["label"].to_pylist()], np.int64)
        self.probs = np.array(table["label_probs"].to_pylist(), np.float32)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, portion: Portion) -> Portion:
        return portion

    def first(self, num_rows: int) -> "Examples":
        return Examples(self.table.slice(0, num_rows), self.label_set, self.tokenizer)


class Collate:
    """A portion to a padded Batch. The target mixes the raters' whole vote with their verdict."""

    def __init__(self, examples: Examples, hard_label_share: float) -> None:
        self.examples = examples
        hard = np.eye(examples.probs.shape[1], dtype=np.float32)[examples.labels]
        self.targets = hard_label_share * hard + (1 - hard_label_share) * examples.probs

    def __call__(self, portions: Sequence[Portion]) -> Batch:
        (portion,) = portions
        rows = portion.rows or [0]  # without a row of its own, any: it weighs nothing
        ids, mask = pad([self.examples.rows[row] for row in rows])
        return Batch(
            torch.from_numpy(ids),
            torch.from_numpy(mask),
            torch.from_numpy(self.targets[rows]),
            torch.from_numpy(self.examples.labels[rows]),
            torch.full((len(rows),), 1.0 if portion.rows else 0.0),
            torch.tensor(portion.num_whole),
            [self.examples.example_ids[row] for row in portion.rows],
        )


class ResumableLoader(DataLoader[Portion]):
    """A loader whose place Lightning keeps in a checkpoint and restores in mid-epoch."""

    def __init__(self, examples: Examples, buckets: LengthBuckets, collate: Collate) -> None:
        super().__init__(
            examples,
            batch_sampler=buckets,
            collate_fn=collate,
            # making an iterator draws a seed: not from the generator that dropout draws from
            generator=torch.Generator(),
        )
        self.buckets = buckets

    def state_dict(self) -> dict[str, int]:
        return {"epoch": self.buckets.epoch, "num_yielded": self.buckets.num_yielded}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self.buckets.epoch, self.buckets.num_yielded = state["epoch"], state["num_yielded"]


def read_examples(source: Path, label_set: LabelSet, tokenizer: Tokenizer) -> Examples:
    """InputError when the split is empty or a label is none of the label set's."""
    table = read_table(source, LABELLED)
    if not table.num_rows:
        raise InputError(
            f"{source}: 0 rows, expected 1 or more. Raise the share of this split in params "
            "section 'split', or bring more labelled data."
        )
    labels = set(table["label"].to_pylist())
    if strangers := sorted(str(label) for label in labels - set(label_set.classes)):
        raise InputError(
            f"{source}: labels {strangers[:3]} are not among the classes "
            f"{list(label_set.classes)}. Re-run label and split."
        )
    return Examples(table, label_set, tokenizer)


def count_steps(num_rows: int, learning: LearningParams) -> int:
    """Optimizer steps of a whole training that nothing stops early."""
    return math.ceil(num_rows / learning.batch_size) * learning.max_epochs


def train_loader(
    examples: Examples, learning: LearningParams, run: RunParams, seat: Seat
) -> ResumableLoader:
    lengths = np.array([len(row) for row in examples.rows], np.int64)
    buckets = LengthBuckets(lengths, learning.batch_size, run, seat)
    return ResumableLoader(examples, buckets, Collate(examples, learning.hard_label_share))


def validation_loader(
    examples: Examples, learning: LearningParams, seat: Seat
) -> DataLoader[Portion]:
    order = np.argsort([-len(row) for row in examples.rows], kind="stable").tolist()
    size = 4 * learning.batch_size  # no gradients are kept, so larger batches fit
    batches = [order[start : start + size] for start in range(0, len(order), size)]
    whole = seat._replace(num_parts=1)
    return DataLoader(
        examples,
        batch_sampler=[[one] for batch in batches for one in portions_of(batch, whole)],
        collate_fn=Collate(examples, learning.hard_label_share),
        generator=torch.Generator(),
    )
