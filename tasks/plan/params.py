"""The `plan` section of params.yaml."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from tasks.params import Params

Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(gt=0, le=1)]

CONFIGURED = "configured"  # the encoder of train.network, among sizes
MEASURED = "measured"  # how fast a place is: here, by a calibration


class DataParams(Params):
    num_examples: Count
    mean_tokens: Positive


class GpuParams(Params):
    memory_gibibytes: Positive
    peak_teraflops: Positive
    utilisation: Share
    node_gigabytes_per_second: Positive
    network_gigabytes_per_second: Positive
    per_node: Count


class PriceParams(Params):
    gpu: str
    provider: str
    dollars_per_hour: Positive
    rented_together: Count
    date: str
    source: str

    @field_validator("date")
    @classmethod
    def _is_a_day(cls, value: str) -> str:
        date.fromisoformat(value)
        return value


class CalibrationParams(Params):
    num_steps: Count
    num_warmup_steps: Count


class PlanParams(Params):
    sizes: dict[str, dict[str, Any]]
    data: DataParams
    startup_seconds: Annotated[float, Field(ge=0)]
    seconds_per_layer: Annotated[float, Field(ge=0)]
    num_gpus: list[Count]
    strategies: list[Literal["single", "ddp", "fsdp"]]
    noticeable_share: Annotated[float, Field(ge=0, lt=1)]
    gpus: dict[str, GpuParams]
    prices: list[PriceParams]
    calibration: CalibrationParams
    num_shown: Count
