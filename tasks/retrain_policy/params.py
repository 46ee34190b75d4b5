"""What `params.yaml` says of when to train again, section `retrain_policy`."""

from typing import Self

from pydantic import Field, model_validator

from tasks.params import Params


class MinNewCorrections(Params):
    """Fewer teach a model nothing that a test could show; by what asks for the training."""

    schedule: int = Field(ge=1)
    labels: int = Field(ge=1)
    volume: int = Field(ge=1)
    drift: int = Field(ge=1)
    quality: int = Field(ge=1)


class HeldParams(Params):
    min_events: int = Field(ge=1, description="fewer held events are no flood")
    max_share: float = Field(ge=0, le=1, description="of new events, held and accepted")


class BudgetParams(Params):
    """Of all trainings that this policy started within `days`."""

    days: float = Field(gt=0)
    hours: float = Field(ge=0)
    dollars: float = Field(ge=0)
    dollars_per_hour: float = Field(ge=0, description="of the machine that trains; 0: your own")
    first_hours: float = Field(gt=0, description="expected while none was measured or planned")
    num_measured: int = Field(ge=1, description="newest trainings; the longest is expected again")

    @model_validator(mode="after")
    def _allows_one(self) -> Self:
        if self.first_hours > self.hours:
            raise ValueError(f"first_hours = {self.first_hours} is above hours = {self.hours}")
        return self


class RetrainPolicyParams(Params):
    min_new_corrections: MinNewCorrections
    held: HeldParams
    cooldown_hours: float = Field(ge=0, description="between the starts of two trainings")
    max_attempts: int = Field(ge=1, description="at one evidence, where none came to an end")
    budget: BudgetParams
