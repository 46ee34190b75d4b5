"""Arithmetic and traffic of a training step, and how long they take at a given speed."""

from typing import NamedTuple

from tasks.sizing.layout import Layout, Precision
from tasks.sizing.shapes import Shape
from tasks.sizing.state import widths_of

FORWARD, BACKWARD = 2, 4  # FLOPs per parameter and token: Kaplan et al. 2020, section 2.1


class Speed(NamedTuple):
    """Of one device, and of what joins it to others of its node and of other nodes."""

    flops_per_second: float  # that training reaches: peak x model FLOPs utilisation
    inside_bytes_per_second: float
    between_bytes_per_second: float


class Traffic(NamedTuple):
    """Bytes that one rank sends for one optimizer step, by the slowest link they pass."""

    inside: float  # of a node
    between: float  # nodes

    @property
    def total(self) -> float:
        return self.inside + self.between

    def times(self, factor: float) -> "Traffic":
        return Traffic(factor * self.inside, factor * self.between)


def flops_per_token(shape: Shape, hidden_size: int, num_tokens: int) -> float:
    """FLOPs to learn from one token of a text of `num_tokens`, forward and backward.

    6 N + 12 L H T (PaLM, appendix B: L layers, H the width of all heads, T tokens). N leaves out
    embeddings, since looking up multiplies nothing. What is frozen is passed forward alone, 2 N,
    since no gradient goes below the lowest trained layer.
    """
    frozen = shape.num_params - shape.num_trained
    looked_up_trained = max(0, shape.num_looked_up - frozen)
    frozen_multiplied = max(0, frozen - (shape.num_looked_up - looked_up_trained))
    trained_multiplied = shape.num_multiplied - frozen_multiplied
    weights = (FORWARD + BACKWARD) * trained_multiplied + FORWARD * frozen_multiplied
    num_trained_layers = sum(1 for count in shape.trained_layers if count)
    num_frozen_layers = len(shape.layers) - num_trained_layers
    attention = (12 * num_trained_layers + 4 * num_frozen_layers) * hidden_size * num_tokens
    return float(weights + attention)


def recompute_factor(activation_checkpointing: bool) -> float:
    """Checkpointing computes forward once more: 8 N in place of 6 N."""
    whole = FORWARD + BACKWARD
    return (whole + FORWARD) / whole if activation_checkpointing else 1.0


def traffic_per_step(shape: Shape, layout: Layout, precision: Precision) -> Traffic:
    """What a step without accumulation moves.

    ZeRO paper, section 7: averaging gradients moves 2 Psi, all that DDP does; stage 3 gathers
    weights twice and scatters gradients once, 3 Psi; gathered weights that stay save one of these.
    A hybrid does so inside a node, and averages each shard's gradients between nodes.
    """
    widths = widths_of(precision)
    gradients = widths.grads * shape.num_trained
    if layout.strategy != "fsdp":
        volume = _others(layout.num_processes) * 2 * gradients
    else:
        gathers = 2 if layout.reshard_after_forward else 1
        weights = widths.params * shape.num_params
        volume = _others(layout.num_shards) * (gathers * weights + gradients)
        if layout.hybrid_shard:
            return Traffic(volume, _others(layout.num_nodes) * 2 * gradients / layout.num_shards)
    return Traffic(volume, 0.0) if layout.num_nodes == 1 else Traffic(0.0, volume)


def _others(num_ranks: int) -> float:
    """A rank's own part need not travel."""
    return 1 - 1 / num_ranks


def step_seconds(flops: float, traffic: Traffic, speed: Speed) -> float:
    """Of one rank: traffic runs beside computing, so the longer of the two decides."""
    inside = traffic.inside and traffic.inside / speed.inside_bytes_per_second
    between = traffic.between and traffic.between / speed.between_bytes_per_second
    return max(flops / speed.flops_per_second, inside + between)
