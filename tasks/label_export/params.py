"""Params of stage label_export."""

from typing import Annotated

from pydantic import Field

from tasks.params import Params


class LabelExportParams(Params):
    budget: Annotated[int, Field(ge=0)]
    pool_factor: Annotated[int, Field(ge=1)]
    max_agreement: Annotated[float, Field(ge=0, le=1)]
    max_share_per_source: Annotated[float, Field(gt=0, le=1)] | None
    num_hash_features: Annotated[int, Field(ge=1)]
