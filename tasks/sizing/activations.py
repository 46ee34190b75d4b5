"""What autograd keeps from forward to backward, found by a forward pass without storage."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from tasks.sizing.cuda_autocast import CudaAutocast
from tasks.sizing.layout import Kind, Precision


@dataclass(frozen=True)
class Activations:
    """Bytes at one length of text: they grow by so much a row, beside what no row changes."""

    layers_per_row: tuple[int, ...]  # kept inside each layer, lowest first; 0 in frozen ones
    inputs_per_row: tuple[int, ...]  # of each layer: all that checkpointing keeps of it
    outside_per_row: int  # before the first layer and behind the last
    weight_copies: int  # bfloat16 copies of trained weights, which autocast makes and keeps

    def kept(self, checkpointing: bool) -> int:
        """Bytes per row at the end of forward, or, checkpointed, once a layer is computed again."""
        if not checkpointing:
            return sum(self.layers_per_row) + self.outside_per_row
        return sum(self.inputs_per_row) + self.largest_layer + self.outside_per_row

    @property
    def largest_layer(self) -> int:
        return max(self.layers_per_row, default=0)


def trace(
    network: nn.Module, layers: Sequence[nn.Module], precision: Precision, length: int, kind: Kind
) -> Activations:
    """Count what `network(ids, mask)` saves of one row and of two, both `length` tokens long.

    `network` must have been made within `weightless`; nothing is computed, so any size is fast.
    It is exact in what autograd saves on a CPU; for a GPU, the casts of its autocast are added.
    """
    one, two = (_run(network, layers, precision, (rows, length), kind) for rows in (1, 2))
    per_row = [more - less for more, less in zip(two.saved, one.saved, strict=True)]
    inputs = [more - less for more, less in zip(two.inputs, one.inputs, strict=True)]
    return Activations(
        layers_per_row=tuple(per_row[:-1]),
        inputs_per_row=tuple(inputs),
        outside_per_row=per_row[-1],
        weight_copies=sum(one.saved) - sum(per_row),
    )


def korthikanti_bytes(num_rows: int, num_tokens: int, hidden_size: int, num_heads: int) -> int:
    """One layer's activations in half precision: s·b·h·(34 + 5·a·s/h), Korthikanti et al. 2022.

    The literature's formula (equation 1) for a plain transformer layer with three dropouts.
    """
    return num_tokens * num_rows * (34 * hidden_size + 5 * num_heads * num_tokens)


def _run(
    network: nn.Module,
    layers: Sequence[nn.Module],
    precision: Precision,
    size: tuple[int, int],
    kind: Kind,
) -> "_Storages":
    mode = next(network.parameters()).fake_mode  # type: ignore[attr-defined]  # of `weightless`
    storages = _Storages(len(layers), {_key(weight) for weight in network.parameters()})
    mixed = precision == "bf16-mixed"
    with ExitStack() as stack:
        stack.enter_context(mode)
        stack.enter_context(storages.following(layers))
        stack.enter_context(torch.autograd.graph.saved_tensors_hooks(storages.pack, _as_it_is))
        stack.enter_context(torch.autocast("cpu", torch.bfloat16, enabled=mixed))
        if mixed and kind == "cuda":
            stack.enter_context(CudaAutocast())
        ids = torch.zeros(size, dtype=torch.int64)
        network(ids, torch.ones_like(ids))
    return storages


class _Storages:
    """Adds each saved storage to the layer at work when it was saved first; weights to none."""

    def __init__(self, num_layers: int, known: set[int]) -> None:
        self.saved = [0] * (num_layers + 1)  # bytes; the last: outside of the layers
        self.inputs = [0] * num_layers
        self.part = num_layers
        self.known = known
        self.alive: list[Any] = []  # a freed storage's address could come back as another's

    def pack(self, tensor: Tensor) -> Tensor:
        if _key(tensor) not in self.known:
            self.known.add(_key(tensor))
            self.alive.append(tensor.untyped_storage())
            self.saved[self.part] += tensor.untyped_storage().nbytes()
        return tensor

    @contextmanager
    def following(self, layers: Sequence[nn.Module]) -> Iterator[None]:
        """Know at any moment which layer is at work."""
        handles = []
        for index, layer in enumerate(layers):
            enter, leave = self._enter(index), self._enter(len(layers))
            handles.append(layer.register_forward_pre_hook(enter, with_kwargs=True))
            handles.append(layer.register_forward_hook(leave))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _enter(self, part: int) -> Any:
        def hook(_: nn.Module, inputs: tuple[Any, ...], named: Any) -> None:
            self.part = part
            if part < len(self.inputs):
                given = inputs[0] if inputs else named["hidden_states"]
                self.inputs[part] = given.nbytes if given.requires_grad else 0

        return hook


def _as_it_is(tensor: Tensor) -> Tensor:
    return tensor


def _key(tensor: Tensor) -> int:
    key: int = tensor.untyped_storage()._cdata
    return key
