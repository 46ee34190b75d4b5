"""The trackers by their names in params: what each is told, and where it writes."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from filelock import FileLock
from pytorch_lightning.loggers import Logger, MLFlowLogger, TensorBoardLogger, WandbLogger

from tasks.tracking.apart import Apart
from tasks.tracking.context import RunContext
from tasks.tracking.params import TrackingParams
from tasks.tracking.upload import Upload


@contextmanager
def open_trackers(
    params: TrackingParams, context: RunContext, folder: Path, config: dict[str, Any]
) -> Iterator[list[Logger]]:
    """One Lightning logger per name in params, all writing below `folder`.

    Each is told the context and `config`. None of them raises; none makes the block wait, and its
    end no longer than params say.
    """
    started, status = time.monotonic(), "failed"
    makers = {"wandb": _Wandb, "tensorboard": _tensorboard, "mlflow": _mlflow}
    trackers = [
        Apart(name, partial(makers[name], params, context, folder.absolute()))
        for name in params.loggers
    ]
    for tracker in trackers:
        tracker.log_hyperparams({**config, **context._asdict()})
    try:
        yield [*trackers]
        status = "success"
    finally:
        for tracker in trackers:
            tracker.end(status)
        now = time.monotonic()
        until = now + params.closing_seconds + params.upload_share * (now - started)
        for tracker in trackers:
            tracker.wait(until - time.monotonic())


class _Wandb(WandbLogger):
    """Always to local files, which no network can stop; what uploads them is a process of its own.

    W&B's own online mode waits for its server to begin, and again to end.
    """

    def __init__(self, params: TrackingParams, context: RunContext, folder: Path) -> None:
        import wandb  # noqa: PLC0415  # half a second that runs without it need not pay

        folder.mkdir(parents=True, exist_ok=True)
        wanted = wandb_mode()
        mode = "disabled" if wanted == "disabled" else "offline"
        super().__init__(
            name=context.run_name,
            project=params.project,
            group=context.group or None,
            save_dir=folder,
            settings=wandb.Settings(silent=True, console="off", mode=mode),
        )
        self._started, self._upload_share = time.monotonic(), params.upload_share
        self._upload = None
        if wanted == "online":
            self._upload = Upload(Path(self.experiment.dir).parent)

    def finalize(self, status: str) -> None:
        super().finalize(status)
        self.experiment.finish(exit_code=int(status != "success"))
        if self._upload:
            self._upload.finish((time.monotonic() - self._started) * self._upload_share)


def wandb_mode() -> str:
    """As W&B's own variables have it, but offline where no account is named."""
    has_account = bool(os.environ.get("WANDB_API_KEY"))
    return os.environ.get("WANDB_MODE") or ("online" if has_account else "offline")


def _tensorboard(_: TrackingParams, context: RunContext, folder: Path) -> Logger:
    parts = filter(None, (context.group, context.run_name))
    return TensorBoardLogger(folder / "tensorboard", name="/".join(map(_as_file_name, parts)))


def _mlflow(params: TrackingParams, context: RunContext, folder: Path) -> Logger:
    own = folder / "mlflow"
    own.mkdir(parents=True, exist_ok=True)
    with FileLock(own / "mlflow.lock"):  # trials that begin together would make its tables together
        tracker = MLFlowLogger(
            params.project,
            run_name=context.run_name,
            tracking_uri=f"sqlite:///{own}/mlflow.db",
            artifact_location=str(own / "artifacts"),
        )
        _ = tracker.experiment
    return tracker


def _as_file_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name).strip(".-") or "run"
