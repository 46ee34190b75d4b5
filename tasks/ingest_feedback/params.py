"""Params of action ingest_feedback."""

from pydantic import Field

from tasks.params import Params


class HoldParams(Params):
    """What makes an ingest wait for a person."""

    min_history_events: int = Field(ge=1)
    min_events: int = Field(ge=1)
    max_volume_ratio: float = Field(gt=1)
    max_label_shift: float = Field(gt=0, le=1)
    max_rater_share: float = Field(gt=0, le=1)
    max_correction_shift: float = Field(gt=0, le=1)


class IngestFeedbackParams(Params):
    max_partition_rows: int = Field(ge=1)
    wait_seconds: float = Field(ge=0)
    settle_seconds: float = Field(ge=0)
    hold: HoldParams
