"""The `package` section of params.yaml."""

from typing import Annotated, Literal

from pydantic import Field

from tasks.params import Params

# What made the bundle: the stages it comes from; dvc.yaml names the same, so that none goes stale.
RECORDED_SECTIONS = (
    "fetch", "aggregate", "clean", "validate", "label", "split", "train", "evaluate", "package",
)  # fmt: skip
Bound = Annotated[float, Field(gt=0)]


class Int8Params(Params):
    operators: Annotated[list[Literal["MatMul", "Gemm", "Gather"]], Field(min_length=1)]
    per_channel: bool
    reduce_range: bool
    keep_narrowing: bool
    max_loss_points: float
    tolerance: Bound


class PackageParams(Params):
    opset: Annotated[int, Field(ge=18)]
    num_golden: Annotated[int, Field(ge=1)]
    max_difference: Bound
    threads: Annotated[int, Field(ge=0)]
    int8: Int8Params
