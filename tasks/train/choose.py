"""What `auto` and 0 stand for in train.scale on this machine, and why."""

import torch

from tasks.train.params import ScaleParams
from tasks.train.processes import device_kind


def choose(scale: ScaleParams) -> tuple[ScaleParams, str]:
    """The scale with strategy and devices named, and the reason in a sentence."""
    num_gpus = torch.cuda.device_count() if device_kind() == "cuda" else 0
    devices = scale.devices or max(1, num_gpus)
    strategy = scale.strategy
    reason = "as the params say"
    if strategy == "auto":
        strategy = "single" if devices * scale.nodes == 1 else "ddp"
        reason = f"{devices} devices on {scale.nodes} nodes"
    return scale.model_copy(update={"strategy": strategy, "devices": devices}), reason
