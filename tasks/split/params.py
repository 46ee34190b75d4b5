"""What params section `split` may hold."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from tasks.params import Params

Share = Annotated[float, Field(gt=0, lt=1)]


class SplitParams(Params):
    """Shares of the labelled examples; the salt names the draw."""

    test_fraction: Share
    validation_fraction: Share
    leak_jaccard: Share
    max_compared: Annotated[int, Field(ge=1)]
    salt: str

    @model_validator(mode="after")
    def _something_to_train_on(self) -> Self:
        if self.test_fraction + self.validation_fraction >= 1:
            raise ValueError(
                f"test_fraction {self.test_fraction} and validation_fraction "
                f"{self.validation_fraction} must leave a share for training"
            )
        return self
