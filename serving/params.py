"""The `serving` section of params.yaml."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from tasks.params import Params

Port = Annotated[int, Field(ge=0, le=65535)]
Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]


class ModelParams(Params):
    precision: Literal["default", "fp32", "int8"]
    threads: Annotated[int, Field(ge=0)]
    poll_seconds: Seconds
    canary_share: Share


class BatchParams(Params):
    max_texts: Count
    max_tokens: Count
    max_padding_share: Share
    max_waiting_texts: Count


class LimitParams(Params):
    max_texts: Count
    max_characters: Count
    max_body_bytes: Count
    max_header_bytes: Count
    max_connections: Count
    header_seconds: Seconds
    body_seconds: Seconds
    keep_alive_seconds: Seconds
    drain_seconds: Seconds
    texts_per_second: Annotated[float, Field(gt=0)]
    burst_texts: Count

    @model_validator(mode="after")
    def _lets_each_request_in(self) -> Self:
        if self.burst_texts < self.max_texts:
            raise ValueError(f"burst_texts {self.burst_texts} is below max_texts {self.max_texts}")
        return self


class PredictionLogParams(Params):
    url: str
    url_from: str
    keep: Literal["text", "hash", "nothing"]
    max_waiting: Count
    keep_days: Annotated[float, Field(ge=0, le=36_500)]


class FeedbackParams(Params):
    max_days: Annotated[float, Field(gt=0, le=36_500)]
    max_waiting: Count
    answer_seconds: Seconds
    settle_seconds: Seconds
    per_rater_per_minute: Annotated[float, Field(gt=0)]
    rater_burst: Count
    max_token_hours: Annotated[float, Field(gt=0, le=87_600)]


class ServingParams(Params):
    host: str
    port: Port
    admin_port: Port
    require_api_keys: bool
    key_refresh_seconds: Seconds
    model: ModelParams
    batch: BatchParams
    limits: LimitParams
    prediction_log: PredictionLogParams
    feedback: FeedbackParams

    @model_validator(mode="after")
    def _keeps_what_can_be_corrected(self) -> Self:
        kept, wanted = self.prediction_log.keep_days, self.feedback.max_days
        if 0 < kept < wanted:
            raise ValueError(
                f"feedback.max_days {wanted:g} is above prediction_log.keep_days {kept:g}"
            )
        return self
