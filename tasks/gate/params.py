"""The `gate` section of params.yaml."""

import re
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from tasks.params import Params

Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Level = Annotated[float, Field(gt=0.5, lt=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1)]


class FloorParams(Params):
    macro_f1: Share
    weighted_f1: Share


class GainParams(Params):
    level: Level
    num_resamples: Annotated[int, Field(ge=100)]
    seed: Annotated[int, Field(ge=0)]
    min_gain: Share  # below 0 would let a loss pass as a gain
    non_inferiority_margin: Share


class PatternSlice(Params):
    """Texts in which the regular expression is found."""

    name: Name
    kind: Literal["pattern"]
    pattern: Name

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"no regular expression: {error}") from None
        return pattern


class LengthSlice(Params):
    """Texts of so many characters, both bounds included."""

    name: Name
    kind: Literal["length"]
    min_characters: Annotated[int, Field(ge=0)]
    max_characters: Count | None

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.max_characters is not None and self.max_characters < self.min_characters:
            raise ValueError(f"slice '{self.name}': max_characters is below min_characters")
        return self


class SliceParams(Params):
    max_slice_loss: Share
    min_slice_rows: Annotated[int, Field(ge=30)]  # fewer have no standard error to speak of
    level: Level
    defined: list[Annotated[PatternSlice | LengthSlice, Field(discriminator="kind")]]

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [one.name for one in self.defined]
        if len(set(names)) != len(names):
            raise ValueError(f"slices must have names of their own, found {names}")
        return self


class CalibrationParams(Params):
    max_ece: Share
    max_ece_rise: Share


class BehaviourParams(Params):
    min_pass_rate: Share
    max_drop: Share


class LatencyParams(Params):
    num_texts: Annotated[int, Field(ge=5)]
    max_milliseconds: Positive
    max_ratio: Positive


class CollapseParams(Params):
    min_recall: Annotated[float, Field(gt=0, le=1)]
    min_predicted_share: Annotated[float, Field(gt=0, le=1)]


class GateParams(Params):
    min_rows: Count
    floors: FloorParams
    gain: GainParams
    slices: SliceParams
    calibration: CalibrationParams
    behaviour: BehaviourParams
    latency: LatencyParams
    max_megabytes: Positive
    collapse: CollapseParams
    allow_other_labels: bool
    allow_dirty: bool
    unreadable_champion: Literal["replace", "keep"]
    threads: Annotated[int, Field(ge=0)]
