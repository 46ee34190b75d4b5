"""One training of a job, in one process or as one rank of many, from its files to its result."""

import shutil
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import Logger
from tokenizers import Tokenizer

from tasks.artifacts import json_bytes, whole_folder
from tasks.errors import GateError
from tasks.label_set import read_label_set
from tasks.tokens import load_tokenizer
from tasks.tracking.context import describe_run
from tasks.tracking.trackers import open_trackers
from tasks.train.consolidate import consolidate
from tasks.train.data import Examples, count_steps, read_examples
from tasks.train.fit import Fitted, Work, fit
from tasks.train.history import as_csv
from tasks.train.job import Job
from tasks.train.model import (
    Classifier,
    check_vocabulary,
    freeze_lowest,
    load_encoder,
    save_classifier,
)
from tasks.train.module import ClassifierModule
from tasks.train.params import NetworkParams, TrainParams
from tasks.train.processes import find_seat
from tasks.train.strategy import make_distribute

TOKENIZER, RESULT = "tokenizer", "result"


class Splits(NamedTuple):
    train: Examples
    validation: Examples


class Trained(NamedTuple):
    fitted: Fitted
    splits: Splits


def train(job: Job, work: Path, callbacks: Sequence[pl.Callback] = ()) -> Trained:
    """Train, going on from where an interrupted training of the same job was.

    Every process of the job calls this; only the first one tracks. `work` holds the tokenizer.
    """
    params = job.params
    splits = read_splits(job, load_tokenizer(work / TOKENIZER, params.network.max_tokens))
    pl.seed_everything(params.run.seed, verbose=False)  # before the head is drawn: alike in all
    model = make_model(job.encoder, params.network, splits.train)
    num_steps = count_steps(len(splits.train), params.learning)
    module = ClassifierModule(model, params.learning, num_steps, make_distribute(params.scale))
    seat = find_seat()
    if seat.rank:
        torch.manual_seed(params.run.seed + seat.rank)  # other examples, other dropout
    record = job.tracking_folder / "steps" / f"{work.name}.csv"
    with _tracked(job, work.name) if seat.rank == 0 else nullcontext([]) as loggers:
        fitted = fit(module, *splits, params, Work(work, loggers, callbacks, record))
    _check_debug(params, fitted)
    return Trained(fitted, splits)


def _tracked(job: Job, training: str) -> AbstractContextManager[list[Logger]]:
    context = describe_run(job.tracking, [job.train_file, job.validation_file], training)
    config = job.params.model_dump(mode="json")
    return open_trackers(job.tracking, context, job.tracking_folder, config)


def read_splits(job: Job, tokenizer: Tokenizer) -> Splits:
    label_set = read_label_set(job.label_set_file)
    train_split = read_examples(job.train_file, label_set, tokenizer)
    if job.params.run.debug == "overfit_one_batch":
        one_batch = train_split.first(job.params.learning.batch_size)
        return Splits(one_batch, one_batch)
    return Splits(train_split, read_examples(job.validation_file, label_set, tokenizer))


def make_model(encoder: str, network: NetworkParams, examples: Examples) -> Classifier:
    pretrained = load_encoder(encoder, network.encoder_dropout, network.max_tokens)
    check_vocabulary(pretrained, examples.tokenizer)
    freeze_lowest(pretrained, network.frozen_layers)
    return Classifier(pretrained, len(examples.label_set.classes), network.head_dropout)


def write_result(job: Job, work: Path, trained: Trained) -> None:
    """Model folder, curve and metrics in `work`/result, whole or absent. One process does this."""
    (fitted, splits), network = trained, job.params.network
    model = make_model(job.encoder, network, splits.train)
    model.load_state_dict(consolidate(fitted.best))
    with whole_folder(work / RESULT) as folder:
        save_classifier(folder / "model", model, splits.train.label_set, network.max_tokens)
        shutil.copytree(work / TOKENIZER, folder / "model", dirs_exist_ok=True)
        (folder / "history.csv").write_bytes(as_csv(fitted.rows))
        metrics = _metrics(model, splits, job.params, fitted)
        (folder / "metrics.json").write_bytes(json_bytes({"train": metrics}))


def _check_debug(params: TrainParams, fitted: Fitted) -> None:
    if params.run.debug == "overfit_one_batch" and fitted.rows[-1]["macro_f1"] < 1:
        raise GateError(
            f"one batch was not learnt by heart: macro F1 {fitted.rows[-1]['macro_f1']:.3f} after "
            f"{len(fitted.rows)} epochs, expected 1. Raise train.learning.max_epochs or the "
            "learning rate; if that does not help, the network or its loss is broken."
        )


def _metrics(
    model: Classifier, splits: Splits, params: TrainParams, fitted: Fitted
) -> dict[str, Any]:
    best = fitted.best_row()
    num_rows = len(splits.train) + len(splits.validation)
    return {
        "rows_in": num_rows,
        "rows_out": num_rows,
        "rejected": 0,
        "train_rows": len(splits.train),
        "validation_rows": len(splits.validation),
        "epochs": len(fitted.rows),
        "steps": fitted.num_steps,
        "best_epoch": best["epoch"],
        "validation_loss": best["validation_loss"],
        "validation_macro_f1": best["macro_f1"],
        "validation_weighted_f1": best["weighted_f1"],
        "parameters": sum(p.numel() for p in model.parameters()),
        "trained_parameters": sum(p.numel() for p in model.parameters() if p.requires_grad),
        "strategy": params.scale.strategy,
        "processes": params.scale.num_processes,
        # of the process that holds most
        **{
            f"{part}_bytes_per_process": max(held[part] for held in fitted.held)
            for part in ("parameters", "gradients", "optimizer_state")
        },
    }
