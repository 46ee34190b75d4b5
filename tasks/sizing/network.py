"""All that sizing knows of one network at one length of text."""

from collections.abc import Sequence
from typing import NamedTuple

from torch import nn

from tasks.sizing.activations import Activations, trace
from tasks.sizing.layout import Kind, Load
from tasks.sizing.shapes import Shape, describe


class Network(NamedTuple):
    shape: Shape
    activations: Activations


def size_up(network: nn.Module, layers: Sequence[nn.Module], load: Load, kind: Kind) -> Network:
    """Of a network made within `weightless`, whose repeated layers are `layers`, lowest first."""
    activations = trace(network, layers, load.precision, load.num_tokens, kind)
    return Network(describe(network, layers), activations)
