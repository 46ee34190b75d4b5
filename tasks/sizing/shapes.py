"""An encoder's facts, counted on the network itself without a byte of its weights."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel
from transformers.initialization import no_init_weights

from tasks.errors import InputError
from tasks.sizing.layout import Precision


@dataclass(frozen=True)
class Shape:
    """Counts of parameters; those of layers lowest layer first."""

    num_params: int
    num_trained: int
    num_looked_up: int  # in embeddings: a token costs memory there, but no multiplication
    layers: tuple[int, ...]
    trained_layers: tuple[int, ...]

    @property
    def outside(self) -> int:
        """Parameters of no layer: embeddings, last norm, head; fsdp gathers them as one group."""
        return self.num_params - sum(self.layers)

    @property
    def trained_outside(self) -> int:
        return self.num_trained - sum(self.trained_layers)

    @property
    def num_multiplied(self) -> int:
        """N of Kaplan et al. 2020: parameters that every token is multiplied with."""
        return self.num_params - self.num_looked_up


@contextmanager
def weightless(precision: Precision) -> Iterator[None]:
    """Networks made in here have shapes and types but no storage, so 70B take no memory."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16 if precision == "bf16-true" else torch.float32)
    try:
        with FakeTensorMode(), no_init_weights():
            yield
    finally:
        torch.set_default_dtype(before)


def read_config(model_type: str, fields: Mapping[str, Any]) -> PretrainedConfig:
    """A config of transformers' own by its fields; InputError when it knows no such type."""
    try:
        return AutoConfig.for_model(model_type, **fields)
    except (ValueError, TypeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"model_type = '{model_type}' with {dict(fields)} makes no config: {reason}. "
            "Use a model type and fields that transformers' AutoConfig takes."
        ) from None


def make_encoder(config: PretrainedConfig, dropout: float) -> PreTrainedModel:
    """The network of a config as training makes it: plain attention, one dropout, no pooler."""
    for field, value in config.to_dict().items():
        if "drop" in field and isinstance(value, int | float) and not isinstance(value, bool):
            setattr(config, field, dropout)
    encoder = AutoModel.from_config(
        config, attn_implementation="eager", dtype=torch.get_default_dtype()
    )
    if getattr(encoder, "pooler", None) is not None:
        encoder.pooler = None
    return encoder


def describe(network: nn.Module, layers: Sequence[nn.Module]) -> Shape:
    """Count a network whose repeated layers are `layers`; frozen parameters are not trained."""
    return Shape(
        num_params=_count(network),
        num_trained=_count(network, trained=True),
        num_looked_up=sum(
            _count(part) for part in network.modules() if isinstance(part, nn.Embedding)
        ),
        layers=tuple(_count(layer) for layer in layers),
        trained_layers=tuple(_count(layer, trained=True) for layer in layers),
    )


def _count(part: nn.Module, trained: bool = False) -> int:
    return sum(
        parameter.numel()
        for parameter in part.parameters()
        if parameter.requires_grad or not trained
    )
