"""Rules that are wrong in themselves are params errors, before any data is read."""

from types import ModuleType
from typing import Any

import pytest

from tasks.errors import ParamsError
from tests.tasks.validate.examples import parse_validate, rule, shrunk_params


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (rule("ExpectColumnValuesToBeNotNull", column="text"), "ExpectColumnValuesToNotBeNull"),
        (rule("Expectation"), "unknown expectation 'Expectation'"),
        (rule("ExpectColumnValuesToNotBeNull", column="txt"), "no column 'txt'; it has example_id"),
        (rule("ExpectColumnValuesToNotBeNull", colum="text"), "colum"),
        (
            rule("ExpectColumnValuesToBeBetween", column="text_length", min_value="a"),
            "not a valid float",
        ),
        (rule("ExpectColumnValuesToNotBeNull", column="text", meta={}), "set by the stage"),
        (
            rule("ExpectColumnMeanToBeBetween", "quarantine", column="num_votes", min_value=1),
            "judges the table",
        ),
    ],
)
def test_a_rule_great_expectations_would_not_take_is_a_params_error(
    gate: ModuleType, wrong: Any, message: str
) -> None:
    with pytest.raises(ParamsError, match=message) as raised:
        gate.plan(parse_validate(shrunk_params(rules=[wrong])["validate"]))
    assert "validate.rules 'tried'" in str(raised.value)
    assert "\n" not in str(raised.value)
