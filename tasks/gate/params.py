"""The `gate` section of params.yaml."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from tasks.params import Params
from tasks.slices import Slice

Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Level = Annotated[float, Field(gt=0.5, lt=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class FloorParams(Params):
    macro_f1: Share
    weighted_f1: Share


class GainParams(Params):
    level: Level
    num_resamples: Annotated[int, Field(ge=100)]
    seed: Annotated[int, Field(ge=0)]
    min_gain: Share  # below 0 would let a loss pass as a gain
    non_inferiority_margin: Share


class SliceParams(Params):
    max_slice_loss: Share
    min_slice_rows: Annotated[int, Field(ge=30)]  # fewer have no standard error to speak of
    min_holdout_raters: Count
    level: Level
    defined: list[Slice]

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
