"""What a GPU's autocast does otherwise than a CPU's, where there is no GPU to ask."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

# the operations of transformers among those that "autocast to float32" (docs of torch.amp)
_IN_FULL = {
    torch.layer_norm, torch.nn.functional.layer_norm, torch.softmax, Tensor.softmax,
    torch.nn.functional.softmax, torch.pow, Tensor.pow, Tensor.__pow__, torch.rsqrt, Tensor.rsqrt,
    torch.sum, Tensor.sum, torch.nn.functional.group_norm, torch.exp, Tensor.exp,
}  # fmt: skip


class CudaAutocast(TorchFunctionMode):
    """Beside the CPU's autocast: norms, softmax, powers and sums compute in float32."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func in _IN_FULL:
            args = [_in_full(value) for value in args]
        return func(*args, **(kwargs or {}))


def _in_full(value: Any) -> Any:
    is_half = isinstance(value, Tensor) and value.dtype == torch.bfloat16
    return value.float() if is_half else value
