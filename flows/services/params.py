"""What `params.yaml` says of who is told what, section `notifications`."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from tasks.params import Params

Subject = Literal["failure", "promotion", "refusal", "blocked", "drift", "quality"]


class Receiver(Params):
    name: str = Field(pattern=r"^[a-z0-9-]+$", description="of its block and its automations")
    kind: Literal["webhook", "slack", "email"]
    about: Annotated[list[Subject], Field(min_length=1)]
    address_from: str = Field(
        pattern=r"^[A-Z_][A-Z0-9_]*$", description="environment variable that holds the address"
    )


class NotificationsParams(Params):
    receivers: list[Receiver]

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [receiver.name for receiver in self.receivers]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"receivers of the same name: {', '.join(sorted(twice))}")
        return self
