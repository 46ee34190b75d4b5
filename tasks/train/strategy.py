"""How the network lies on the processes: whole in one, whole in each (DDP), in parts (FSDP)."""

import functools
from collections.abc import Mapping
from typing import Literal

import torch
from pytorch_lightning.strategies import (
    DDPStrategy,
    ModelParallelStrategy,
    SingleDeviceStrategy,
    Strategy,
)
from torch import nn
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import CPUOffloadPolicy, OffloadPolicy, fully_shard
from transformers import PreTrainedModel

from tasks.errors import InputError
from tasks.train.model import Classifier, find_units
from tasks.train.module import Distribute
from tasks.train.params import Precision, ScaleParams
from tasks.train.processes import device_kind
from tasks.train.sharded import FolderCheckpoints

PRECISIONS: Mapping[Precision, Literal["32-true", "bf16-mixed", "bf16-true"]] = {
    "fp32": "32-true", "bf16-mixed": "bf16-mixed", "bf16-true": "bf16-true",
}  # fmt: skip


class _Single(FolderCheckpoints, SingleDeviceStrategy):
    """All in one process."""


class _Ddp(FolderCheckpoints, DDPStrategy):
    """All in each process; gradients are averaged."""


class _Fsdp(FolderCheckpoints, ModelParallelStrategy):
    """A part in each process, gathered layer by layer."""


def make_strategy(scale: ScaleParams) -> Strategy:
    kind = device_kind()
    if scale.strategy == "single":
        return _Single(device=torch.device(kind, 0) if kind == "cuda" else "cpu")
    if scale.strategy == "ddp":
        # parameters that get no gradient are frozen and known to be; the buffers never change
        return _Ddp(gradient_as_bucket_view=True, forward_sync_buffers=False)
    # told, not asked: with "auto", Lightning shards nothing on one node
    return _Fsdp(data_parallel_size=scale.num_processes, tensor_parallel_size=1)


def make_distribute(scale: ScaleParams) -> Distribute:
    """What happens to the network once the processes have met."""
    return functools.partial(_distribute, scale=scale)


def _distribute(model: Classifier, scale: ScaleParams) -> None:
    layers = find_units(model.encoder)
    if scale.activation_checkpointing:
        _checkpoint_activations(model.encoder)
    if scale.compile:
        for layer in layers:
            layer.compile(dynamic=True)  # in place, so that names in checkpoints stay
    if scale.strategy == "fsdp":
        policy = CPUOffloadPolicy() if scale.cpu_offload else OffloadPolicy()
        shard(model, layers, make_mesh(scale), scale.reshard_after_forward, policy)


def _checkpoint_activations(encoder: PreTrainedModel) -> None:
    try:
        encoder.activation_checkpointing_enable()
    except ValueError as error:
        raise InputError(
            f"train.scale.activation_checkpointing: {error} Set it to false."
        ) from None


def make_mesh(scale: ScaleParams) -> DeviceMesh:
    """One dimension to shard over; hybrid: nodes that replicate, devices that shard."""
    kind = device_kind()
    if scale.hybrid_shard:
        return init_device_mesh(
            kind, (scale.nodes, scale.devices), mesh_dim_names=("replicate", "shard")
        )
    return init_device_mesh(kind, (scale.num_processes,), mesh_dim_names=("shard",))


def shard(
    model: Classifier,
    layers: list[nn.Module],
    mesh: DeviceMesh,
    reshard_after_forward: bool,
    policy: OffloadPolicy,
) -> None:
    """Each transformer layer is gathered when its turn comes; embeddings and head at once."""
    for layer in layers:
        fully_shard(
            layer, mesh=mesh, reshard_after_forward=reshard_after_forward, offload_policy=policy
        )
    # the rest is needed from the forward pass's begin to the backward pass's end
    fully_shard(model, mesh=mesh, reshard_after_forward=False, offload_policy=policy)


def check_scale(scale: ScaleParams) -> None:
    """InputError for what cannot be had together, or not on this machine."""
    kind = device_kind()
    wrong = {
        "single has one process: set train.scale.devices and nodes to 1, or choose ddp or fsdp": (
            scale.strategy == "single" and scale.num_processes > 1
        ),
        "cpu_offload is fsdp's, on GPUs: set it to false, or strategy to fsdp on a GPU": (
            scale.cpu_offload and (scale.strategy != "fsdp" or kind != "cuda")
        ),
        "hybrid_shard is fsdp's, on 2 nodes or more: set it to false, or strategy and nodes": (
            scale.hybrid_shard and (scale.strategy != "fsdp" or scale.nodes == 1)
        ),
        "bf16-true wants a GPU with bf16: set train.scale.precision to bf16-mixed or fp32": (
            scale.precision == "bf16-true" and kind == "cuda" and not torch.cuda.is_bf16_supported()
        ),
        f"{scale.devices} devices, but this machine has {torch.cuda.device_count()} GPUs": (
            kind == "cuda" and scale.devices > torch.cuda.device_count()
        ),
    }
    if found := [problem for problem, is_so in wrong.items() if is_so]:
        raise InputError(f"train.scale: {'; '.join(found)}.")
