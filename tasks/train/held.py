"""How many bytes each process holds for the network: measured from its tensors, not estimated."""

from collections.abc import Iterable
from typing import Any

import pytorch_lightning as pl
import torch

from tasks.train.processes import tell_all


class Held(pl.Callback):
    """Parameters, gradients and optimizer state, counted once, at the first step."""

    def __init__(self) -> None:
        self.own: dict[str, int] = {}
        self.by_rank: list[dict[str, int]] = []

    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
        if not self.own:
            parameters = list(pl_module.model.parameters())
            gradients = [one.grad for one in parameters if one.grad is not None]
            self.own = {"parameters": num_bytes(parameters), "gradients": num_bytes(gradients)}

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if self.own and not self.by_rank:
            state = trainer.optimizers[0].state.values()
            moments = [value for of_one in state for value in of_one.values() if value.ndim]
            self.own["optimizer_state"] = num_bytes(moments)
            self.by_rank = tell_all(self.own)


def num_bytes(tensors: Iterable[torch.Tensor]) -> int:
    """Of the parts that lie in this process."""
    parts = [getattr(tensor, "to_local", lambda one=tensor: one)() for tensor in tensors]
    return sum(part.numel() * part.element_size() for part in parts)
