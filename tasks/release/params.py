"""The `release` section of params.yaml."""

from typing import Annotated, Literal

from pydantic import Field

from tasks.params import Params

Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]


class CheckParams(Params):
    seconds: Seconds
    max_mb: Annotated[float, Field(gt=0)]
    max_memory_mb: Annotated[float, Field(gt=0)]


class RehearsalParams(Params):
    kind: Literal["none", "shadow", "canary"]
    seconds: Seconds
    poll_seconds: Seconds
    min_requests: Count
    max_error_share: Share
    max_disagreement: Share
    max_latency_ratio: Annotated[float, Field(gt=0)]


class ProbeParams(Params):
    seconds: Seconds
    num_texts: Count


class ReleaseParams(Params):
    bump: Literal["major", "minor", "patch"]
    auto_promote: bool
    wait_seconds: Seconds
    check: CheckParams
    rehearsal: RehearsalParams
    probe: ProbeParams
