"""The `train` section of params.yaml."""

from typing import Annotated, Literal

from pydantic import Field

from tasks.params import Params

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]


class NetworkParams(Params):
    encoder: str
    max_tokens: Annotated[int, Field(ge=8)]
    frozen_layers: Annotated[int, Field(ge=0)] | None
    encoder_dropout: Share
    head_dropout: Share


class LearningParams(Params):
    batch_size: Count
    max_epochs: Count
    learning_rate: Positive
    head_learning_rate: Positive
    weight_decay: Annotated[float, Field(ge=0)]
    warmup_fraction: Share
    gradient_clip_norm: Positive
    hard_label_share: Share
    patience_epochs: Count


class RunParams(Params):
    seed: Annotated[int, Field(ge=0)]
    deterministic: bool
    precision: Literal["32-true", "bf16-mixed"]
    threads: Annotated[int, Field(ge=0)]
    pool_batches: Count
    checkpoint_seconds: Positive
    log_every_batches: Count
    loggers: list[Literal["wandb", "tensorboard", "mlflow"]]
    debug: Literal["off", "overfit_one_batch", "fast_dev_run"]


class TrainParams(Params):
    network: NetworkParams
    learning: LearningParams
    run: RunParams
