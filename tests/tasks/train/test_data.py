"""Batches: every example once an epoch, little padding, and a place to go on from."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from torch.utils.data import DataLoader

from tasks.errors import InputError
from tasks.label_set import LabelSet
from tasks.records import LABELLED, write_table
from tasks.tokens import load_tokenizer
from tasks.train.batches import LengthBuckets, Portion, Seat, portions_of
from tasks.train.data import Collate, Examples, read_examples, train_loader
from tasks.train.params import LearningParams, RunParams, TrainParams
from tests.tasks.train.workspace import CLASSES, REPOSITORY, make_split
from tests.tiny_model import write_tiny_tokenizer

SHIPPED = TrainParams.model_validate(
    yaml.safe_load((REPOSITORY / "params.yaml").read_text())["train"]
)
RUN: RunParams = SHIPPED.run
LEARNING: LearningParams = SHIPPED.learning


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Examples:
    folder = tmp_path_factory.mktemp("tokenizer")
    write_tiny_tokenizer(folder)
    label_set = LabelSet(classes=CLASSES, ordered=True)
    return Examples(make_split(100), label_set, load_tokenizer(folder, 32))


def make_buckets(num_rows: int = 1000, batch_size: int = 32) -> LengthBuckets:
    lengths = np.random.default_rng(3).integers(3, 60, num_rows)
    return LengthBuckets(lengths, batch_size, RUN, Seat())


def test_an_epoch_has_every_row_once_and_the_next_another_order() -> None:
    buckets = make_buckets()
    first, second = ([one.rows for (one,) in buckets] for _ in range(2))
    for epoch in (first, second):
        assert sorted(itertools.chain(*epoch)) == list(range(1000))
        assert len(epoch) == len(buckets)
    assert first != second


def test_batches_of_like_length_pad_little() -> None:
    buckets = make_buckets()
    padded = sum(len(batch) * buckets.lengths[batch].max() for batch in buckets.batches())
    assert padded / buckets.lengths.sum() < 1.1
    plain = sum(32 * buckets.lengths[start : start + 32].max() for start in range(0, 1000, 32))
    assert plain / buckets.lengths.sum() > 1.7  # what the buckets save


def test_the_same_seed_gives_the_same_order() -> None:
    assert list(make_buckets()) == list(make_buckets())


@pytest.mark.parametrize("stop", [1, 7, 31, 32])
def test_a_resumed_loader_goes_on_with_the_batch_that_was_due(
    examples: Examples, stop: int
) -> None:
    learning = LEARNING.model_copy(update={"batch_size": 3})
    undisturbed, stopped, resumed = (
        train_loader(examples, learning, RUN, Seat()) for _ in range(3)
    )
    expected = [batch.example_ids for _ in range(2) for batch in undisturbed]
    seen = [batch.example_ids for _, batch in zip(range(stop), stopped, strict=False)]
    resumed.load_state_dict(stopped.state_dict())
    rest = [batch.example_ids for _ in range(2) for batch in resumed]
    assert (seen + rest)[: len(expected)] == expected


def test_making_an_iterator_leaves_the_dropouts_random_numbers_alone(examples: Examples) -> None:
    before = torch.get_rng_state()
    next(iter(train_loader(examples, LEARNING, RUN, Seat())))
    assert torch.equal(before, torch.get_rng_state())
    next(iter(DataLoader(examples)))  # a plain loader does disturb them
    assert not torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, [0.1, 0.9]), (1.0, [0, 1]), (0.5, [0.05, 0.95])]
)
def test_the_target_mixes_votes_and_verdict(
    examples: Examples, share: float, expected: list[float]
) -> None:
    batch = Collate(examples, share)([Portion([1], 1)])
    assert batch.target[0].tolist() == pytest.approx(expected)
    assert batch.label.tolist() == [1]


@pytest.mark.parametrize(
    ("num_rows", "classes", "match"),
    [(0, CLASSES, "0 rows, expected 1 or more"), (4, ("bad", "fair"), r"labels \['good'\]")],
)
def test_a_split_that_cannot_be_learnt_is_an_error(
    tmp_path: Path, examples: Examples, num_rows: int, classes: tuple[str, ...], match: str
) -> None:
    write_table(tmp_path / "train.parquet", make_split(num_rows), LABELLED)
    label_set = LabelSet(classes=classes, ordered=True)
    with pytest.raises(InputError, match=rf"train\.parquet: {match}"):
        read_examples(tmp_path / "train.parquet", label_set, examples.tokenizer)


def test_padding_is_masked(examples: Examples) -> None:
    batch = Collate(examples, 0.5)([Portion([0, 6], 2)])
    lengths = [len(examples.rows[0]), len(examples.rows[6])]
    assert batch.mask.sum(dim=1).tolist() == lengths
    assert batch.ids.shape[1] == max(lengths)


@pytest.mark.parametrize(("num_processes", "num_parts"), [(1, 1), (2, 1), (3, 2), (1, 4), (5, 3)])
@pytest.mark.parametrize("num_rows", [1, 7, 32])
def test_the_processes_together_have_every_row_once_and_are_in_step(
    num_processes: int, num_parts: int, num_rows: int
) -> None:
    batch = list(range(num_rows))
    seats = [Seat(rank, num_processes, num_parts) for rank in range(num_processes)]
    dealt = [list(portions_of(batch, seat)) for seat in seats]
    assert sorted(row for portions in dealt for one in portions for row in one.rows) == batch
    assert {len(portions) for portions in dealt} == {num_parts}
    assert {one.num_whole for portions in dealt for one in portions} == {num_rows}
    sizes = [len(one.rows) for portions in dealt for one in portions]
    assert max(sizes) - min(sizes) <= 1


def test_a_process_without_a_row_of_its_own_weighs_nothing(examples: Examples) -> None:
    batch = Collate(examples, 0.5)([Portion([], 1)])
    assert batch.weight.tolist() == [0.0]
    assert batch.example_ids == []


def test_any_number_of_processes_sees_the_same_batches() -> None:
    whole = make_buckets(num_rows=100, batch_size=8)
    halves = [
        LengthBuckets(whole.lengths, whole.batch_size, RUN, Seat(rank, 2)) for rank in range(2)
    ]
    for (alone,), (first,), (second,) in zip(whole, *halves, strict=True):
        assert sorted(first.rows + second.rows) == sorted(alone.rows)
