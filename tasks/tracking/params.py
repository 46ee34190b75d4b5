"""The `tracking` section of params.yaml."""

from typing import Annotated, Literal

from pydantic import Field

from tasks.params import Params


class TrackingParams(Params):
    loggers: list[Literal["wandb", "tensorboard", "mlflow"]]
    project: Annotated[str, Field(min_length=1)]
    group: str
    run_name: str
    closing_seconds: Annotated[float, Field(ge=0)]
    upload_share: Annotated[float, Field(ge=0)]
