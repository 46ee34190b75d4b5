"""What section `serving` of params.yaml refuses."""

import pytest

from serving.params import ServingParams
from tasks.errors import ParamsError
from tasks.params import load_params
from tests.serving.live_place import LivePlace


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"limits__burst_texts": 63}, "burst_texts 63 is below max_texts 64"),
        ({"prediction_log__keep_days": 999_999.0}, "prediction_log.keep_days = 999999.0"),
        (
            {"prediction_log__keep_days": 30.0},
            "feedback.max_days 90 is above prediction_log.keep_days 30",
        ),
    ],
)
def test_a_value_that_cannot_work_is_refused(
    live_place: LivePlace, values: dict[str, float], said: str
) -> None:
    live_place.write_params(**values)
    with pytest.raises(ParamsError, match=said) as caught:
        load_params("serving", ServingParams, live_place.folder / "params.yaml")
    assert "\n" not in str(caught.value)
