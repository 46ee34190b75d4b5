"""Training data in memory: token ids, soft targets, and batches of texts of like length."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from tasks.errors import InputError
from tasks.label_set import LabelSet
from tasks.records import LABELLED, read_table
from tasks.tokens import encode, pad
from tasks.train.params import LearningParams, RunParams


class Batch(NamedTuple):
    ids: Tensor  # (rows, tokens), int64
    mask: Tensor  # (rows, tokens), int64
    target: Tensor  # (rows, classes), float32, rows summing to 1
    label: Tensor  # (rows,), int64
    example_ids: list[str]  # to name the culprits when a loss is not finite


class Examples(Dataset[int]):
    """A split, tokenised once. An item is only its index; `collate` makes whole batches."""

    def __init__(self, table: pa.Table, label_set: LabelSet, tokenizer: Tokenizer) -> None:
        self.table, self.label_set, self.tokenizer = table, label_set, tokenizer
        self.example_ids: list[str] = table["example_id"].to_pylist()
        self.rows = encode(tokenizer, table["text"].to_pylist())
        position = {name: index for index, name in enumerate(label_set.classes)}
        self.labels = np.array([position[name] for name in table["label"].to_pylist()], np.int64)
        self.probs = np.array(table["label_probs"].to_pylist(), np.float32)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> int:
        return index

    def first(self, num_rows: int) -> "Examples":
        return Examples(self.table.slice(0, num_rows), self.label_set, self.tokenizer)


class Collate:
    """Indices to a padded Batch. The target mixes the raters' whole vote with their verdict."""

    def __init__(self, examples: Examples, hard_label_share: float) -> None:
        self.examples = examples
        hard = np.eye(examples.probs.shape[1], dtype=np.float32)[examples.labels]
        self.targets = hard_label_share * hard + (1 - hard_label_share) * examples.probs

    def __call__(self, indices: list[int]) -> Batch:
        ids, mask = pad([self.examples.rows[index] for index in indices])
        return Batch(
            torch.from_numpy(ids),
            torch.from_numpy(mask),
            torch.from_numpy(self.targets[indices]),
            torch.from_numpy(self.examples.labels[indices]),
            [self.examples.example_ids[index] for index in indices],
        )


class LengthBuckets:
    """Batches of like length in an order that seed and epoch alone decide.

    Each epoch is shuffled, cut into pools of `pool_batches` batches, sorted by length within a
    pool, and the batches are shuffled again: little padding, and still a random order. It knows
    how far it has come, so that a resumed run goes on with the batch the stopped one was due.
    """

    def __init__(self, lengths: npt.NDArray[np.int64], batch_size: int, run: RunParams) -> None:
        self.lengths, self.batch_size, self.run = lengths, batch_size, run
        self.epoch = 0
        self.num_yielded = 0  # batches of this epoch

    def __len__(self) -> int:
        return math.ceil(len(self.lengths) / self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        for batch in self.batches()[self.num_yielded :]:
            self.num_yielded += 1
            if self.num_yielded == len(self):
                self.epoch, self.num_yielded = self.epoch + 1, 0
            yield batch

    def batches(self) -> list[list[int]]:
        """All batches of the current epoch, as lists of row numbers."""
        random = np.random.default_rng([self.run.seed, self.epoch])
        order = random.permutation(len(self.lengths))
        batches: list[list[int]] = []
        pool_size = self.batch_size * self.run.pool_batches
        for start in range(0, len(order), pool_size):
            pool = order[start : start + pool_size]
            pool = pool[np.argsort(self.lengths[pool], kind="stable")]
            batches += [
                pool[first : first + self.batch_size].tolist()
                for first in range(0, len(pool), self.batch_size)
            ]
        return [batches[index] for index in random.permutation(len(batches))]


class ResumableLoader(DataLoader[int]):
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


def count_steps(examples: Examples, learning: LearningParams) -> int:
    """Optimizer steps of a whole training that nothing stops early."""
    return math.ceil(len(examples) / learning.batch_size) * learning.max_epochs


def train_loader(examples: Examples, learning: LearningParams, run: RunParams) -> ResumableLoader:
    lengths = np.array([len(row) for row in examples.rows], np.int64)
    buckets = LengthBuckets(lengths, learning.batch_size, run)
    return ResumableLoader(examples, buckets, Collate(examples, learning.hard_label_share))


def validation_loader(examples: Examples, learning: LearningParams) -> DataLoader[int]:
    order = np.argsort([-len(row) for row in examples.rows], kind="stable").tolist()
    size = 4 * learning.batch_size  # no gradients are kept, so larger batches fit
    return DataLoader(
        examples,
        batch_sampler=[order[start : start + size] for start in range(0, len(order), size)],
        collate_fn=Collate(examples, learning.hard_label_share),
        generator=torch.Generator(),
    )
