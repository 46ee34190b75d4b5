"""Parameters, gradients and optimizer state of one rank, by the formulas of the ZeRO paper."""

from typing import Literal, NamedTuple

from tasks.sizing.layout import FULL, HALF, Layout, Precision
from tasks.sizing.terms import Term, per_parameter

Stage = Literal[0, 1, 2, 3]
ADAM_MOMENTS = 2


class Widths(NamedTuple):
    """Bytes that one parameter takes in each part of the state."""

    params: int
    grads: int
    optimizer: int


# Rajbhandari et al. 2020, section 3.1: half-precision weights and gradients, and K = 12, the
# optimizer's single-precision copy of the weights and its two moments
ZERO_PAPER = Widths(params=2, grads=2, optimizer=12)


class Counts(NamedTuple):
    """Parameters that are held, and those of them that are trained."""

    held: int
    trained: int


def widths_of(precision: Precision) -> Widths:
    """Of our own training: autocast keeps weights whole, so there is no second copy of them."""
    width = HALF if precision == "bf16-true" else FULL
    return Widths(width, width, ADAM_MOMENTS * width)


def stage_of(layout: Layout) -> Stage:
    """What lies divided between steps: nothing, or with fsdp everything, as in stage 3."""
    return 3 if layout.strategy == "fsdp" else 0


def state_terms(counts: Counts, widths: Widths, stage: Stage, num_shards: int) -> list[Term]:
    """Model states of one rank at a ZeRO stage, section 5 of the paper.

    With Psi parameters, N ranks and widths (2, 2, K = 12): 0 divides nothing, (2 + 2 + K) Psi; 1
    the optimizer's state, 2 Psi + 2 Psi + K Psi / N; 2 the gradients, too, 2 Psi + (2 + K) Psi / N;
    3 everything, (2 + 2 + K) Psi / N. Frozen parameters have no gradient and no optimizer state.
    """
    from_stage = {"parameters": 3, "gradients": 2, "optimizer state": 1}
    sizes = zip(from_stage, widths, (counts.held, counts.trained, counts.trained), strict=True)
    return [
        per_parameter(name, width, count, num_shards if stage >= from_stage[name] else 1)
        for name, width, count in sizes
    ]
