"""How many FLOPs a model needs to learn, and how many of them this machine could do."""

import time
from collections.abc import Sequence

import torch
from torch import nn

from tasks.train.processes import device_kind

FORWARD_AND_BACKWARD = 6  # FLOPs per parameter and token: Kaplan et al. 2020, section 2.1
NUM_PRODUCTS = 12
SIDES = {"cpu": 2048, "cuda": 8192}  # large enough for the machine's best speed


def count_multiplied(network: nn.Module) -> int:
    """Parameters that every token is multiplied with: an embedding is looked up, not multiplied."""
    embeddings = {id(part.weight) for part in network.modules() if isinstance(part, nn.Embedding)}
    return sum(one.numel() for one in network.parameters() if id(one) not in embeddings)


def learning_flops(
    lengths: Sequence[int], num_multiplied: int, num_layers: int, width: int
) -> float:
    """Model FLOPs to learn once from texts of these many tokens, all weights trained.

    Per token of a text of T tokens 6 N + 12 L H T: PaLM (Chowdhery et al. 2022), appendix B, with
    N multiplied parameters, L layers, H the width of all heads together. Neither padding nor what
    is computed twice counts, so whoever pads more reaches less.
    """
    weights = FORWARD_AND_BACKWARD * num_multiplied * sum(lengths)
    attention = 12 * num_layers * width * sum(length**2 for length in lengths)
    return float(weights + attention)


def measure_peak(dtype: torch.dtype) -> float:
    """FLOP/s of the fastest of a few large matrix products: 2 n³ for two n x n matrices."""
    kind = device_kind()
    side = SIDES[kind]
    matrix = torch.randn(side, side, dtype=dtype, device=kind)
    seconds = []
    for _ in range(NUM_PRODUCTS):
        _synchronise(kind)
        began = time.perf_counter()
        matrix @ matrix
        _synchronise(kind)
        seconds.append(time.perf_counter() - began)
    return 2.0 * side**3 / min(seconds)


def _synchronise(kind: str) -> None:
    if kind == "cuda":
        torch.cuda.synchronize()
