"""The `sweep` section of params.yaml."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from tasks.params import Params

Count = Annotated[int, Field(ge=1)]
Value = bool | int | float | str | None


class _Interval(Params):
    low: float
    high: float
    log: bool

    @model_validator(mode="after")
    def _is_an_interval(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"low = {self.low} must be below high = {self.high}")
        if self.log and self.low <= 0:
            raise ValueError(f"low = {self.low} must be above 0 where log is true")
        return self


class FloatRange(_Interval):
    kind: Literal["float"]


class IntRange(_Interval):
    kind: Literal["int"]
    low: int
    high: int


class Choice(Params):
    kind: Literal["choice"]
    choices: Annotated[list[Value], Field(min_length=1)]


Dimension = Annotated[FloatRange | IntRange | Choice, Field(discriminator="kind")]
Space = dict[str, Dimension]


class HyperbandParams(Params):
    min_epochs: Count
    max_epochs: Count
    reduction_factor: Annotated[int, Field(ge=2)]

    @model_validator(mode="after")
    def _has_room(self) -> Self:
        if self.min_epochs > self.max_epochs:
            raise ValueError(f"min_epochs = {self.min_epochs} is above {self.max_epochs}")
        return self


class SamplerParams(Params):
    kind: Literal["tpe", "random"]
    seed: Annotated[int, Field(ge=0)]
    num_startup_trials: Annotated[int, Field(ge=0)]


class StorageParams(Params):
    kind: Literal["sqlite", "journal", "database"]
    url_from: Annotated[str, Field(pattern=r"^[A-Z_][A-Z0-9_]*$")]


class SweepParams(Params):
    num_trials: Count
    num_parallel: Count
    max_restarts: Annotated[int, Field(ge=0)]
    space: Annotated[Space, Field(min_length=1)]
    hyperband: HyperbandParams
    sampler: SamplerParams
    storage: StorageParams

    def what_is_searched(self) -> "dict[str, object]":
        """What makes it this study and no other; more trials or workers only go on with it."""
        return self.model_dump(mode="json", include={"space", "hyperband", "sampler"})
