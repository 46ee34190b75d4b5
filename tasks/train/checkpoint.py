"""Checkpoints that survive a kill at any moment: written beside, synced, renamed."""

import hashlib
import logging
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.io import TorchCheckpointIO

from tasks.artifacts import json_bytes, sha256_of, whole_file

log = logging.getLogger(__name__)
LAST = "last.ckpt"


class WholeCheckpointIO(TorchCheckpointIO):
    """Lightning's own save neither syncs nor always keeps the old file; this one does both."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None
    ) -> None:
        with whole_file(Path(path)) as stream:
            torch.save(checkpoint, stream)


class LastCheckpoint(pl.Callback):
    """Saves where training stands, at most every so many seconds, between two batches.

    Never after an epoch's last batch: its validation is still due, and Lightning would leave it
    out on resuming, and with it perhaps the best epoch.
    """

    def __init__(self, folder: Path, every_seconds: float) -> None:
        self.file = folder / LAST
        self.every_seconds = every_seconds
        self.saved = time.monotonic()

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        due = time.monotonic() - self.saved >= self.every_seconds
        if due and not trainer.is_last_batch:
            trainer.save_checkpoint(self.file)
            self.saved = time.monotonic()


def fingerprint(params: dict[str, Any], inputs: list[Path]) -> str:
    """Name of one exact training: the same params, code and libraries on the same bytes.

    An input that is no local path (an encoder's hub name) counts by the name in the params.
    """
    libraries = {"torch": torch.__version__, "pytorch_lightning": version("pytorch-lightning")}
    digest = hashlib.sha256(json_bytes({"params": params, "libraries": libraries}))
    code = sorted(Path(__file__).parent.glob("*.py"))
    for source in [*code, *inputs]:
        files = sorted(source.rglob("*")) if source.is_dir() else [source]
        for file in filter(Path.is_file, files):
            digest.update(sha256_of(file).encode())
    return digest.hexdigest()[:16]


def find_last(folder: Path) -> Path | None:
    """The newest checkpoint of an interrupted run; None, with a warning, if it cannot be read."""
    last = folder / LAST
    if not last.is_file():
        return None
    try:
        torch.load(last, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file fails in as many ways as there are damages
        log.warning("%s is not readable (%s); training starts anew", last, error)
        last.unlink()
        return None
    return last
