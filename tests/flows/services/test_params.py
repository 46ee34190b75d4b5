from typing import Any

import pytest

from flows.services.params import NotificationsParams
from tasks.errors import ParamsError
from tasks.params import load_params, parse_section
from tests.project import REPOSITORY

GOOD = {"name": "team", "kind": "slack", "about": ["failure"], "address_from": "SLACK"}


def parse(**changes: Any) -> NotificationsParams:
    return parse_section("notifications", {"receivers": [GOOD | changes]}, NotificationsParams)


def test_the_shipped_section_tells_nobody() -> None:
    shipped = load_params("notifications", NotificationsParams, REPOSITORY / "params.yaml")
    assert shipped.receivers == []


def test_a_receiver_is_read() -> None:
    assert parse().receivers[0].about == ["failure"]


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "pigeon"}, {"about": []}, {"about": ["success"]}, {"name": "Team Chat"},
        {"address_from": "https://hooks.slack.com/services/T/B/X"}, {"address": "x"},
    ],
)  # fmt: skip
def test_a_wrong_receiver_is_refused_in_one_line(changes: dict[str, Any]) -> None:
    with pytest.raises(ParamsError, match=r"notifications\.receivers\.0\.") as error:
        parse(**changes)
    assert "\n" not in str(error.value)


def test_names_of_receivers_differ() -> None:
    with pytest.raises(ParamsError, match="team"):
        parse_section("notifications", {"receivers": [GOOD, GOOD]}, NotificationsParams)
