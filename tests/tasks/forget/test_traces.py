"""An id of a prediction is one that the service gives, or it is refused."""

import pytest

from serving.prediction_ids import new_prediction_id
from tasks.errors import InputError
from tasks.forget.traces import of_prediction

ID = "01a216ec314027a9d43b0288e7a75575"


def test_what_the_service_makes_is_taken() -> None:
    for made in (ID, new_prediction_id()):
        assert of_prediction(made).prediction_id == made


@pytest.mark.parametrize("wrong", [ID.upper(), ID[:-1], f"{ID}\n", f" {ID}", f"{ID}0", "", "p1"])
def test_another_shape_is_refused(wrong: str) -> None:
    with pytest.raises(InputError, match="expected a prediction_id as the service gave it"):
        of_prediction(wrong)
