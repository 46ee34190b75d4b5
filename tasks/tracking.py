"""Experiment trackers by their names in params: W&B offline, TensorBoard, MLflow in local files."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pytorch_lightning.loggers import Logger, MLFlowLogger, TensorBoardLogger, WandbLogger

from tasks.params import Params

PROJECT = "flywheel"


class TrackingParams(Params):
    """The `tracking` section of params.yaml."""

    loggers: list[Literal["wandb", "tensorboard", "mlflow"]]


def make_loggers(names: Sequence[str], folder: Path, config: dict[str, Any]) -> list[Logger]:
    """One Lightning logger per name, writing under `folder`; `config` is kept with the run."""
    folder.mkdir(parents=True, exist_ok=True)
    loggers = [_MAKERS[name](folder / name) for name in names]
    for logger in loggers:
        logger.log_hyperparams(config)
    return loggers


def close_loggers(loggers: Sequence[Logger]) -> None:
    """Flush every tracker to its files now, not when the interpreter ends."""
    for logger in loggers:
        logger.finalize("success")
        if isinstance(logger, WandbLogger):
            logger.experiment.finish()


def _wandb(folder: Path) -> Logger:
    import wandb  # noqa: PLC0415  # half a second that runs without it need not pay

    folder.mkdir(exist_ok=True)
    mode = os.environ.get("WANDB_MODE", "offline")  # also where make did not set it
    settings = wandb.Settings(silent=True, console="off", mode=mode)
    return WandbLogger(project=PROJECT, save_dir=folder, settings=settings)


def _tensorboard(folder: Path) -> Logger:
    return TensorBoardLogger(folder.parent, name=folder.name)


def _mlflow(folder: Path) -> Logger:
    folder.mkdir(exist_ok=True)
    return MLFlowLogger(PROJECT, tracking_uri=f"sqlite:///{folder.absolute()}/mlflow.db")


_MAKERS = {"wandb": _wandb, "tensorboard": _tensorboard, "mlflow": _mlflow}
