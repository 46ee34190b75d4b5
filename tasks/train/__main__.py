"""Stage train: read the splits and the encoder, fit, write the model folder and its curve."""

import logging
import shutil
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from tokenizers import Tokenizer

from tasks.artifacts import json_bytes, whole_folder
from tasks.errors import GateError
from tasks.label_set import read_label_set
from tasks.params import load_params
from tasks.stage import RECORDS, run
from tasks.tokens import load_tokenizer
from tasks.train.checkpoint import fingerprint
from tasks.train.data import Examples, count_steps, read_examples
from tasks.train.fit import Fitted, Work, fit
from tasks.train.history import as_csv
from tasks.train.model import (
    Classifier,
    check_vocabulary,
    freeze_lowest,
    load_encoder,
    save_classifier,
    save_tokenizer,
)
from tasks.train.module import ClassifierModule
from tasks.train.params import TrainParams
from tasks.train.tracking import close_loggers, make_loggers

log = logging.getLogger(__name__)
TOKENIZER = "tokenizer"


def main(
    train_file: Path, validation_file: Path, label_set_file: Path, encoders: Path, target: Path
) -> None:
    """Fine-tune the encoder on the train split; an interrupted run goes on where it was."""
    params = load_params("train", TrainParams)
    label_set = read_label_set(label_set_file)
    encoder = _encoder_place(encoders, params.network.encoder)
    inputs = [train_file, validation_file, label_set_file, encoder]
    work = _work_folder(target, fingerprint(params.model_dump(mode="json"), inputs))
    tokenizer = _make_tokenizer(encoder, work, params.network.max_tokens)
    train = read_examples(train_file, label_set, tokenizer)
    validation = read_examples(validation_file, label_set, tokenizer)
    if params.run.debug == "overfit_one_batch":
        train = validation = train.first(params.learning.batch_size)
    log.info("%s examples to learn from, %s to validate on", len(train), len(validation))
    pl.seed_everything(params.run.seed, verbose=False)  # before the head is drawn
    module = _make_module(encoder, params, train)
    loggers = make_loggers(params.run.loggers, RECORDS / "tracking", params.model_dump(mode="json"))
    fitted = fit(module, train, validation, params.run, Work(work, loggers))
    close_loggers(loggers)
    _check_debug(params, fitted)
    with whole_folder(target) as folder:
        save_classifier(folder / "model", module.model, label_set, params.network.max_tokens)
        shutil.copytree(work / TOKENIZER, folder / "model", dirs_exist_ok=True)
        (folder / "history.csv").write_bytes(as_csv(fitted.rows))
        metrics = _metrics(module.model, train, validation, fitted)
        (folder / "metrics.json").write_bytes(json_bytes({"train": metrics}))
    shutil.rmtree(work.parent)


def _encoder_place(encoders: Path, name: str) -> Path:
    """A folder the fetch stage wrote comes first; else a local path or a hub name as it is."""
    fetched = encoders / name
    return fetched if fetched.is_dir() else Path(name)


def _work_folder(target: Path, name: str) -> Path:
    """Where this exact training keeps its checkpoints; those of any other training are dropped."""
    trainings = target.with_name(f".{target.name}.unfinished")
    for other in trainings.glob("*"):
        if other.name != name:
            shutil.rmtree(other)
    work = trainings / name
    work.mkdir(parents=True, exist_ok=True)
    return work


def _make_tokenizer(encoder: Path, work: Path, max_tokens: int) -> Tokenizer:
    save_tokenizer(str(encoder), work / TOKENIZER)
    return load_tokenizer(work / TOKENIZER, max_tokens)


def _make_module(encoder: Path, params: TrainParams, train: Examples) -> ClassifierModule:
    network = params.network
    pretrained = load_encoder(str(encoder), network.encoder_dropout, network.max_tokens)
    check_vocabulary(pretrained, train.tokenizer)
    freeze_lowest(pretrained, network.frozen_layers)
    model = Classifier(pretrained, len(train.label_set.classes), network.head_dropout)
    return ClassifierModule(model, params.learning, count_steps(train, params.learning))


def _check_debug(params: TrainParams, fitted: Fitted) -> None:
    if params.run.debug == "overfit_one_batch" and fitted.rows[-1]["macro_f1"] < 1:
        raise GateError(
            f"one batch was not learnt by heart: macro F1 {fitted.rows[-1]['macro_f1']:.3f} after "
            f"{len(fitted.rows)} epochs, expected 1. Raise train.learning.max_epochs or the "
            "learning rate; if that does not help, the network or its loss is broken."
        )


def _metrics(
    model: Classifier, train: Examples, validation: Examples, fitted: Fitted
) -> dict[str, Any]:
    best = max(fitted.rows, key=lambda row: row["macro_f1"])
    return {
        "rows_in": len(train) + len(validation),
        "rows_out": len(train) + len(validation),
        "rejected": 0,
        "train_rows": len(train),
        "validation_rows": len(validation),
        "epochs": len(fitted.rows),
        "steps": fitted.num_steps,
        "best_epoch": best["epoch"],
        "validation_loss": best["validation_loss"],
        "validation_macro_f1": best["macro_f1"],
        "validation_weighted_f1": best["weighted_f1"],
        "parameters": sum(p.numel() for p in model.parameters()),
        "trained_parameters": sum(p.numel() for p in model.parameters() if p.requires_grad),
    }


if __name__ == "__main__":
    run("train", main)
