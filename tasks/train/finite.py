"""A loss or gradient that is not finite stops every process at the same step, and is explained."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor

from tasks.errors import GateError
from tasks.train.processes import tell_all

_NAMED_EXAMPLES = 8


class Suspect(NamedTuple):
    """A forward pass of the step at hand: its summed loss, and the examples it came from."""

    loss: Tensor
    example_ids: list[str]


def check_finite(norm: Tensor, suspects: Sequence[Suspect], step: int) -> None:
    """GateError, in every process alike, when the gradient's norm is not finite.

    The norm is that of the gradients of all processes, so one look at it costs no message between
    them; only when it is bad do they tell each other whose batch it was.
    """
    if torch.isfinite(norm):
        return
    own = [(float(one.loss), one.example_ids) for one in suspects]
    culprits = [
        (rank, loss, ids)
        for rank, found in enumerate(tell_all(own))
        for loss, ids in found
        if not math.isfinite(loss)
    ]
    raise GateError(_explain(step, norm.item(), culprits))


def _explain(step: int, norm: float, culprits: Sequence[tuple[int, float, list[str]]]) -> str:
    remedy = (
        "Lower train.learning.learning_rate, or look at these examples in the train split."
        if culprits
        else "The losses were finite: lower train.learning.learning_rate, or set "
        "train.scale.precision to fp32."
    )
    if not culprits:
        return f"the gradient at step {step} is {norm}; it must be finite. {remedy}"
    rank, loss, ids = culprits[0]
    named = ", ".join(ids[:_NAMED_EXAMPLES])
    rest = f" and {len(ids) - _NAMED_EXAMPLES} more" if len(ids) > _NAMED_EXAMPLES else ""
    cause = "not a number" if math.isnan(loss) else "infinite"
    where = f" in rank {rank}" if dist.is_initialized() else ""
    others = f" ({len(culprits) - 1} more batches alike)" if len(culprits) > 1 else ""
    return (
        f"the loss at step {step} is {cause}{where}; it must be finite. "
        f"Batch: {named}{rest}{others}. {remedy}"
    )
