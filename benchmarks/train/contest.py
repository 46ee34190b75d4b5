"""Who takes part, and the alternating runs that make a busy machine slow all of them alike."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import pytorch_lightning as pl
from transformers import AutoConfig
from transformers.utils import logging as transformers_logging

from benchmarks.train.apart import run_apart
from benchmarks.train.ours import run_ours
from benchmarks.train.plain_lightning import run_plain_lightning
from benchmarks.train.plain_torch import run_plain_torch
from benchmarks.train.trainer import run_trainer, run_tuned_trainer
from benchmarks.train.work import Work
from tasks.sizing.compute import flops_per_token
from tasks.sizing.shapes import Shape, describe
from tasks.train.model import find_layers
from tasks.train.session import make_model

TRAINER, TUNED, OURS = "Trainer, defaults", "Trainer, tuned", "ours, full fine-tune"
FULL = {"frozen_layers": None}


class Contestant(NamedTuple):
    name: str
    run: Callable[[Work], float]  # seconds of one epoch
    is_bf16: bool


class Result(NamedTuple):
    contestant: Contestant
    seconds: list[float]


CONTESTANTS = [
    Contestant(TRAINER, run_trainer, False),
    Contestant(TUNED, run_tuned_trainer, True),
    Contestant("plain PyTorch, fp32", partial(run_plain_torch, autocast=False), False),
    Contestant("plain PyTorch, bf16", partial(run_plain_torch, autocast=True), True),
    Contestant("plain Lightning", run_plain_lightning, False),
    Contestant(OURS, partial(run_ours, **FULL), True),
]
# each differs from ours by one thing, so that what pays can be read off
VARIANTS = [
    Contestant("ours, embeddings frozen", run_ours, True),
    Contestant("ours in fp32", partial(run_ours, **FULL, precision="fp32"), False),
    Contestant("ours, random batches", partial(run_ours, **FULL, pool_batches=1), True),
    Contestant("ours, dropout 0.1", partial(run_ours, **FULL, encoder_dropout=0.1), True),
]
COMPILED = Contestant("ours, compiled", partial(run_ours, **FULL, compile=True), True)


def race(work: Work, contestants: Sequence[Contestant], num_rounds: int) -> list[Result]:
    results = [Result(one, []) for one in contestants]
    for number in range(num_rounds):
        for contestant, seconds in results:
            seconds.append(run_apart(run_seeded, contestant, work))
            print(f"round {number + 1}: {contestant.name}: {seconds[-1]:.2f} s", flush=True)
    return results


def run_seeded(contestant: Contestant, work: Work) -> float:
    pl.seed_everything(0, verbose=False)
    transformers_logging.set_verbosity_error()  # that the head is new
    return contestant.run(work)


def flops_of(work: Work) -> float:
    """Model FLOPs of one epoch, the same whoever does the work.

    Neither padding nor what is computed twice counts, so whoever pads more reaches less.
    """
    shape, width = shape_of(work), AutoConfig.from_pretrained(work.encoder).hidden_size
    lengths = [len(row) for row in work.examples.rows]
    return sum(length * flops_per_token(shape, width, length) for length in lengths)


def shape_of(work: Work) -> Shape:
    """Of the network with everything trained."""
    network = work.params.network.model_copy(update=FULL)
    model = make_model(str(work.encoder), network, work.examples)
    return describe(model, find_layers(model.encoder))
