"""What `params.yaml` says of a run as a whole, section `flywheel`."""

from pydantic import Field

from tasks.params import Params


class FlywheelParams(Params):
    wait_minutes: float = Field(ge=0, description="for another run in this checkout to end")
