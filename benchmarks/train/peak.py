"""How many FLOP/s this machine could do."""

import torch

from benchmarks.train.work import now
from tasks.train.processes import device_kind

NUM_PRODUCTS = 12
SIDES = {"cpu": 2048, "cuda": 8192}  # large enough for the machine's best speed


def measure_peak(dtype: torch.dtype) -> float:
    """FLOP/s of the fastest of a few large matrix products: 2 n³ for two n x n matrices."""
    kind = device_kind()
    side = SIDES[kind]
    matrix = torch.randn(side, side, dtype=dtype, device=kind)
    seconds = []
    for _ in range(NUM_PRODUCTS):
        began = now()
        matrix @ matrix
        seconds.append(now() - began)
    return 2.0 * side**3 / min(seconds)
