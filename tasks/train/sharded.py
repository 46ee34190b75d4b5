"""One form of checkpoint for every strategy: each process writes its shards, any number reads."""

import shutil
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
import torch.distributed as dist
from pytorch_lightning.strategies import Strategy
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.filesystem import FileSystemReader, FileSystemWriter
from torch.distributed.checkpoint.metadata import TensorStorageMetadata
from torch.distributed.checkpoint.state_dict import (
    get_model_state_dict,
    get_optimizer_state_dict,
    set_model_state_dict,
    set_optimizer_state_dict,
)
from torch.distributed.checkpoint.state_dict_loader import load as load_shards
from torch.distributed.checkpoint.state_dict_saver import save as save_shards

from tasks.artifacts import sha256_of, sync_folder
from tasks.errors import FlywheelError
from tasks.train.checkpoint import open_new, publish
from tasks.train.module import ClassifierModule
from tasks.train.processes import tell_all

TRAINER = "trainer.pt"  # loops, schedules and callbacks: the same in every process
MODEL, OPTIMIZER, OWN = "model", "optimizer", "own"


class CheckpointError(FlywheelError):
    """A checkpoint could not be written; a training that cannot save is not one to go on with."""


class FolderCheckpoints(Strategy):
    """Mixed into a Lightning strategy: its checkpoints become folders that are whole or absent.

    Lightning's own save neither syncs nor always keeps the old file, and each of its strategies
    has a form of its own.
    """

    global_rank: int

    @property
    def restore_checkpoint_after_setup(self) -> bool:
        return True  # the tensors to fill are there only then

    @property
    def lightning_restore_optimizer(self) -> bool:
        return False

    @property
    def _network(self) -> ClassifierModule:
        """The module itself, where DDP has put a wrapper around it."""
        return cast(ClassifierModule, self.lightning_module)

    def lightning_module_state_dict(self) -> dict[str, Any]:
        return get_model_state_dict(self._network)

    def optimizer_state(self, optimizer: Any) -> dict[str, Any]:
        raw = getattr(optimizer, "_optimizer", optimizer)
        return get_optimizer_state_dict(self._network, raw)

    def save_checkpoint(
        self, checkpoint: dict[str, Any], filepath: Any, storage_options: Any = None
    ) -> None:
        """Called in every process; CheckpointError in each when any of them cannot write."""
        state = {MODEL: checkpoint.pop("state_dict")}
        if states := checkpoint.pop("optimizer_states", None):
            (state[OPTIMIZER],) = states
            state[f"{OWN}_{self.global_rank}"] = self._network.own_state()
        save(state, checkpoint, Path(filepath), self.global_rank)

    def load_checkpoint(self, checkpoint_path: Any, weights_only: bool | None = None) -> Any:
        folder = Path(checkpoint_path)
        module, (optimizer,) = self._network, self.optimizers
        state = {
            MODEL: self.lightning_module_state_dict(),
            OPTIMIZER: self.optimizer_state(optimizer),
        }
        with _quiet():
            load_shards(state, checkpoint_id=folder, no_dist=not dist.is_initialized())
        set_model_state_dict(module, state[MODEL])
        set_optimizer_state_dict(module, optimizer, state[OPTIMIZER])
        module.load_own_states(read_own_states(folder), self.global_rank)
        return torch.load(folder / TRAINER, weights_only=True)

    def load_model_state_dict(self, checkpoint: Mapping[str, Any], strict: bool = True) -> None:
        """Nothing: `load_checkpoint` has filled the tensors."""

    def load_optimizer_state_dict(self, checkpoint: Mapping[str, Any]) -> None:
        """Nothing: `load_checkpoint` has filled the tensors."""


def save(state: dict[str, Any], trainer_state: dict[str, Any], folder: Path, rank: int) -> None:
    """Write shards side by side, then publish them as `folder` when every process has.

    CheckpointError in every process when any of them cannot write.
    """
    new = folder.with_name(f".{folder.name}.new")
    with _together(folder):
        if rank == 0:
            open_new(folder)
    with _together(folder) as told:
        writer = FileSystemWriter(new, single_file_per_rank=True, sync_files=True)
        with _quiet():
            save_shards(state, storage_writer=writer, no_dist=not dist.is_initialized())
        told |= {file.name: sha256_of(file) for file in new.glob(f"__{rank}_*")}
    with _together(folder):
        if rank == 0:
            with (new / TRAINER).open("wb") as stream:
                torch.save(trainer_state, stream)
            sync_folder(new / TRAINER)
            publish(
                new, folder, told | {name: sha256_of(new / name) for name in (".metadata", TRAINER)}
            )


@contextmanager
def _together(folder: Path) -> Iterator[dict[str, str]]:
    """What any process cannot do in the block, none has done; what one notes, all know after it."""
    notes: dict[str, str] = {}
    failure = ""
    try:
        yield notes
    except CheckpointException as error:
        if any(isinstance(cause, KeyboardInterrupt) for cause, _ in error.failures.values()):
            raise KeyboardInterrupt from None  # torch takes that for a failure, too
        failure = "; ".join(f"rank {rank}: {cause}" for rank, (cause, _) in error.failures.items())
    except (OSError, RuntimeError) as error:  # torch's writer turns a full disk into the latter
        failure = str(error) or type(error).__name__
    told = tell_all((failure, notes))
    if failures := sorted({text for text, _ in told if text}):
        free_mib = shutil.disk_usage(folder.parent).free >> 20
        raise CheckpointError(
            f"no checkpoint saved: {'; '.join(failures)} ({free_mib} MiB free there). Free some "
            "space, or let this user write there, and run again: training goes on from the "
            "checkpoint before."
        )
    for _, theirs in told:
        notes |= theirs


def read_own_states(folder: Path) -> list[dict[str, torch.Tensor]]:
    """What each process kept for itself, by rank, of a training of any number of processes."""
    state = empty_state(folder, f"{OWN}_")
    with _quiet():
        load_shards(state, checkpoint_id=folder, no_dist=True)
    ranks = sorted({int(name.split(".")[0].removeprefix(f"{OWN}_")) for name in state})
    return [
        {name.split(".", 1)[1]: state[name] for name in state if name.startswith(f"{OWN}_{rank}.")}
        for rank in ranks
    ]


def read_weights(folder: Path) -> dict[str, torch.Tensor]:
    """All weights of a checkpoint, put together on the CPU, by their names in the module."""
    state = empty_state(folder, f"{MODEL}.")
    with _quiet():
        load_shards(state, checkpoint_id=folder, no_dist=True)
    return {name.removeprefix(f"{MODEL}."): tensor for name, tensor in sorted(state.items())}


def empty_state(folder: Path, prefix: str) -> dict[str, Any]:
    """Tensors of the sizes a checkpoint has, for the names that begin with `prefix`."""
    metadata = FileSystemReader(folder).read_metadata()
    return {
        name: torch.empty(entry.size, dtype=entry.properties.dtype)
        for name, entry in metadata.state_dict_metadata.items()
        if name.startswith(prefix) and isinstance(entry, TensorStorageMetadata)
    }


@contextmanager
def _quiet() -> Iterator[None]:
    """Without torch's note that one process saves or loads alone."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*torch.distributed is disabled.*")
        warnings.filterwarnings("ignore", ".*TypedStorage is deprecated.*")
        yield
