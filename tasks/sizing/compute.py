"""Arithmetic and traffic of a training step, and how long they take at a given speed."""

from typing import NamedTuple

from tasks.sizing.layout import Layout, Precision
from tasks.sizing.shapes import Shape
from tasks.sizing.state import widths_of

FORWARD, BACKWARD = 2, 4  # FLOPs per parameter and token: Kaplan et al. 2020, section 2.1


class Speed(NamedTuple):
    """Of one device, and of what joins them."""

    flops_per_second: float  # that training reaches, not the peak: peak x model FLOPs utilisation
    bytes_per_second: float  # that one device sends and receives


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


def traffic_per_step(shape: Shape, layout: Layout, precision: Precision) -> float:
    """Bytes that one rank sends (and receives) for one optimizer step without accumulation.

    ZeRO paper, section 7: averaging gradients moves 2 Psi, all that DDP does; stage 3 gathers
    weights twice and reduces gradients once, 3 Psi; gathered weights that stay save one of these.
    """
    if layout.num_processes == 1:
        return 0.0
    share = 1 - 1 / layout.num_processes
    widths = widths_of(precision)
    gradients = widths.grads * shape.num_trained
    if layout.strategy != "fsdp":
        return 2 * share * gradients
    gathers = 2 if layout.reshard_after_forward else 1
    return share * (gathers * widths.params * shape.num_params + gradients)


def step_seconds(flops: float, traffic: float, speed: Speed) -> float:
    """Of one rank: traffic runs beside computing, so the longer of the two decides."""
    sending = traffic / speed.bytes_per_second if traffic else 0.0
    return max(flops / speed.flops_per_second, sending)
