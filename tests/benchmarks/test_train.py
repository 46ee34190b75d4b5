"""The training benchmarks: FLOPs by hand, exponents of made data, a step of each contestant."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from benchmarks.growth import fit_exponent
from benchmarks.parallel.launch import Layout, measure
from benchmarks.parallel.report import communication_share, sent_bytes
from benchmarks.train.contest import flops_of, shape_of
from benchmarks.train.ours import run_ours
from benchmarks.train.plain_lightning import run_plain_lightning
from benchmarks.train.plain_torch import run_plain_torch
from benchmarks.train.report import Load, utilisation
from benchmarks.train.work import Stopwatch, Work, change, collate, plain_loader
from tasks.label_set import LabelSet
from tasks.params import load_params
from tasks.sizing.shapes import Shape
from tasks.tokens import load_tokenizer
from tasks.train.data import Examples
from tasks.train.params import TrainParams
from tests.tasks.train.workspace import CLASSES, make_split
from tests.tiny_model import write_tiny_encoder

ROOT = Path(__file__).parents[2]


@pytest.fixture
def work(tmp_path: Path) -> Work:
    """Twelve texts in batches of eight: two steps an epoch."""
    encoder = write_tiny_encoder(tmp_path / "encoder")
    params = change(
        load_params("train", TrainParams, ROOT / "params.yaml"),
        strategy="single", devices=1, max_tokens=16, batch_size=8, max_epochs=2, frozen_layers=None,
        threads=1,
    )  # fmt: skip
    label_set = LabelSet(classes=CLASSES, ordered=True)
    examples = Examples(make_split(12), label_set, load_tokenizer(encoder, 16))
    return Work(encoder, examples, params, num_epochs=2)


def test_the_flops_of_an_epoch_are_those_of_its_texts(work: Work) -> None:
    """Two layers of width 32 and inner width 64, counted by hand: 6 N + 12 L H T for each token."""
    layer = 4 * (32 * 32 + 32) + (32 * 64 + 64) + (64 * 32 + 32) + 2 * (32 + 32)
    num_multiplied = 2 * layer + (32 + 32) + (32 * 2 + 2)  # norm of the embeddings, head
    lengths = [len(row) for row in work.examples.rows]
    expected = sum(6 * num_multiplied * length + 12 * 2 * 32 * length**2 for length in lengths)
    assert flops_of(work) == expected


def test_utilisation_is_the_share_of_the_peak_of_its_own_precision() -> None:
    load = Load(num_examples=1, num_tokens=1, flops=100.0, peaks={True: 200.0, False: 50.0})
    assert utilisation(load, seconds=2.0, is_bf16=True) == pytest.approx(0.25)
    assert utilisation(load, seconds=2.0, is_bf16=False) == pytest.approx(1.0)


@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.0])
def test_the_exponent_of_made_times_is_found(exponent: float) -> None:
    assert fit_exponent({n: 0.3 * n**exponent for n in (10, 40, 160)}) == pytest.approx(exponent)


def test_what_goes_when_nobody_talks_was_talk() -> None:
    assert communication_share(10.0, 8.0) == pytest.approx(0.2)
    assert communication_share(8.0, 10.0) == 0.0


def test_the_bytes_sent_are_those_counted_by_hand() -> None:
    """3 parameters in each of two layers, 4 in no layer, all trained, two processes: a half of
    each exchange travels. ddp: 2 x 10 gradients; fsdp: 4 + 2 x 6 weights and 10 gradients."""
    shape = Shape(10, 10, 0, (3, 3), (3, 3))
    sent = [sent_bytes(shape, Layout("", one, 2, {})) for one in ("single", "ddp", "fsdp")]
    assert sent == [0, 4 * 20 / 2, 4 * 26 / 2]


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["single", "fsdp"])
def test_two_processes_of_a_layout_are_measured(work: Work, strategy: str) -> None:
    """With strategy single they do not meet, and each holds all; with fsdp each holds a half."""
    measured = measure(work, Layout("two", strategy, 2, {}))
    assert measured is not None
    assert measured.seconds > 0
    whole = 16 * shape_of(work).num_params
    assert measured.held_bytes == pytest.approx(whole / (2 if strategy == "fsdp" else 1), rel=0.02)


def test_the_stopwatch_reads_the_last_epoch() -> None:
    watch = Stopwatch(num_steps=2)
    watch.begin_epoch()
    watch.end_step()
    assert watch.seconds == 0.0
    watch.end_step()
    assert watch.seconds > 0.0


def test_a_plain_batch_is_padded_to_its_longest_text(work: Work) -> None:
    batch = collate([([5, 6, 7], 1), ([8], 0)])
    assert batch["input_ids"].tolist() == [[5, 6, 7], [8, 0, 0]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]
    assert batch["labels"].tolist() == [1, 0]
    assert sum(len(batch["labels"]) for batch in plain_loader(work)) == 12


@pytest.mark.parametrize(
    "contestant",
    [run_ours, run_plain_lightning, lambda work: run_plain_torch(work, autocast=True)],
    ids=["ours", "plain_lightning", "plain_torch"],
)
def test_a_contestant_trains_and_is_timed(work: Work, contestant: Callable[[Work], float]) -> None:
    torch.manual_seed(0)
    assert contestant(work) > 0
