"""The contestant of this project: `tasks.train.fit`, as the stage calls it."""

import tempfile
from pathlib import Path
from typing import Any

import pytorch_lightning as pl

from benchmarks.train.work import Stopwatch, Work, change
from tasks.train.data import count_steps
from tasks.train.fit import Work as FitWork
from tasks.train.fit import fit
from tasks.train.module import ClassifierModule
from tasks.train.session import make_model
from tasks.train.strategy import make_distribute


class Timer(pl.Callback):
    def __init__(self, watch: Stopwatch) -> None:
        self.watch = watch

    def on_train_epoch_start(self, *_: Any) -> None:
        self.watch.begin_epoch()

    def on_train_batch_end(self, *_: Any) -> None:
        self.watch.end_step()


def run_ours(work: Work, **changes: Any) -> float:
    """Seconds of the last epoch, with keys of params section `train` changed."""
    params = change(work.params, **changes)
    model = make_model(str(work.encoder), params.network, work.examples)
    num_steps = count_steps(len(work.examples), params.learning)
    module = ClassifierModule(model, params.learning, num_steps, make_distribute(params.scale))
    watch = Stopwatch(work.num_steps)
    with tempfile.TemporaryDirectory() as folder:
        own = FitWork(Path(folder), callbacks=[Timer(watch)])
        fit(module, work.examples, work.examples.first(1), params, own)
    return watch.seconds
