"""The `monitor` section of params.yaml, and the slices of section `gate`."""

from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from tasks.params import Params, load_params
from tasks.slices import Slice

Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(gt=0, lt=1)]
Level = Annotated[float, Field(gt=0.5, lt=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class EmbeddingParams(Params):
    num_features: Annotated[int, Field(ge=1024)]
    num_components: Annotated[int, Field(ge=2)]
    num_folds: Annotated[int, Field(ge=2)]


class DriftParams(Params):
    false_discovery_rate: Share
    min_ks: Share
    min_total_variation: Share
    min_auc: Level
    num_bins: Annotated[int, Field(ge=2)]
    embedding: EmbeddingParams


class QualityParams(Params):
    level: Level
    min_corrections: Annotated[int, Field(ge=10)]  # fewer have no interval to speak of
    min_coverage: Annotated[float, Field(gt=0, le=1)]
    max_quality_loss: Share
    num_resamples: Annotated[int, Field(ge=100)]
    adwin_delta: Share


class PartParams(Params):
    max_clients: Annotated[int, Field(ge=0)]
    tell: bool


class LabelsReadyParams(Params):
    min_events: Count


class VolumeParams(Params):
    min_predictions: Count


class MonitorParams(Params):
    window_hours: Positive
    num_windows: Count
    persistence: Count
    min_rows: Annotated[int, Field(ge=30)]
    max_rows: Annotated[int, Field(ge=30)]
    seed: Annotated[int, Field(ge=0)]
    drift: DriftParams
    quality: QualityParams
    parts: PartParams
    labels_ready: LabelsReadyParams
    volume: VolumeParams
    service_seconds: Positive

    @model_validator(mode="after")
    def _can_happen(self) -> Self:
        if self.persistence > self.num_windows:
            raise ValueError("persistence is above num_windows: no finding could ever fire")
        if self.min_rows > self.max_rows:
            raise ValueError("min_rows is above max_rows: no window could ever have enough")
        return self


class _Slices(Params):
    model_config = ConfigDict(extra="ignore")

    defined: list[Slice]


class _Gate(Params):
    model_config = ConfigDict(extra="ignore")

    slices: _Slices


def read_slices() -> list[Slice]:
    """Those that the gate judges a candidate by."""
    return load_params("gate", _Gate).slices.defined
