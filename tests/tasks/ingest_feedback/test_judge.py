"""What is held for a person, why, and what is not."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from tasks.feedback import ACCEPTED, QUARANTINED
from tasks.ingest_feedback.ingest import ingest
from tests.tasks.feedback_store import TARGET, make_event, read_params, send, write_params

DAY = timedelta(days=1)
HOLD = {
    "min_history_events": 300, "min_events": 50, "max_volume_ratio": 3.0, "max_label_shift": 0.25,
    "max_rater_share": 0.5, "max_correction_shift": 0.25,
}  # fmt: skip
NAMED, UNNAMED = {"client": "k_x", "rater": "r_x"}, {"client": "k_x", "rater": None}
Change = Callable[[int], dict[str, Any]]


@pytest.fixture(autouse=True)
def _bounds(store: Engine, tmp_path: Path) -> None:
    write_params(tmp_path, hold=HOLD)


def take(store: Engine, first: int, num: int, day: int, change: Change = lambda _: {}) -> str:
    """Why the events that came on this day were held; "": they were not."""
    events = [make_event(number) for number in range(first, first + num)]
    send(store, [
        event | {"received_at": event["received_at"] + day * DAY} | change(place)
        for place, event in enumerate(events)
    ])  # fmt: skip
    (made,) = ingest(TARGET, read_params())
    assert made.file.parent.name == (QUARANTINED if made.manifest.held_because else ACCEPTED)
    return made.manifest.held_because or ""


def give_history(store: Engine) -> None:
    for day in range(4):
        assert take(store, day * 100, 100, day) == ""


def test_a_first_night_is_not_held_whatever_it_is_like(store: Engine) -> None:
    lone = {"rater": "r_x", "label": "yes", "predicted": "no"}
    assert take(store, 0, 5000, 0, lambda _: lone) == ""


def test_a_day_like_those_before_passes_at_any_hour(store: Engine) -> None:
    give_history(store)
    for hour in range(3):
        assert take(store, 1000 + hour * 90, 90, 5) == ""
    said = take(store, 1300, 60, 5)  # 330 on that day in all, where 100 are usual
    assert said.startswith("330 events on 2026-03-06, usual are 100 a day (at most 3 times")
    assert take(store, 1400, 10, 5) == ""  # what is held counts for none
    assert take(store, 1500, 100, 6) == ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda _: {"label": "yes", "predicted": "yes"}, "labels moved by 0.67"),
        (lambda place: NAMED if place % 5 else {}, "80% come from one rater (at most 50%)"),
        (lambda place: UNNAMED if place % 5 else {}, "80% come from one rater (at most 50%)"),
        (
            lambda place: {"label": f"{['no', 'maybe', 'yes'][place % 3]}", "predicted": "other"},
            "100% contradict the model, ",
        ),
    ],
)
def test_what_people_never_did_before_is_held(store: Engine, change: Change, said: str) -> None:
    give_history(store)
    held = take(store, 1000, 100, 5, change)
    assert said in held
    assert not any(
        name in held for name in ("r_x", "k_x")
    )  # it is shown where nothing is forgotten


def test_equal_names_of_several_clients_are_several_people(store: Engine) -> None:
    give_history(store)
    assert (
        take(store, 1000, 100, 5, lambda place: {"rater": "r_x", "client": f"k{place % 4}"}) == ""
    )


@pytest.mark.parametrize("change", [
    lambda _: {"label": "yes", "predicted": "yes"},
    lambda _: {"label": "no", "predicted": "other"},
    lambda _: NAMED,
    lambda _: UNNAMED,
])  # fmt: skip
@pytest.mark.parametrize("num_ingests", [1, 10, 50])
def test_a_flood_is_held_in_however_many_ingests_it_comes(
    store: Engine, change: Change, num_ingests: int
) -> None:
    give_history(store)
    size = 100 // num_ingests
    held = [take(store, 1000 + n * size, size, 5, change) for n in range(num_ingests)]
    first = next(place for place, reason in enumerate(held) if reason)
    assert first * size <= HOLD["max_rater_share"] * HOLD["min_events"] + size
    assert all(held[first:])
    assert take(store, 2000, 2, 5) == ""  # whoever comes after it is not held for it
    assert take(store, 2100, 60, 6) == ""


def test_fewer_contradictions_than_before_are_no_reason(store: Engine) -> None:
    def agree(place: int) -> dict[str, Any]:
        label = ["no", "maybe", "yes"][place % 3]
        return {"label": label, "predicted": label}

    give_history(store)
    assert take(store, 1000, 100, 5, agree) == ""


def test_a_crowd_that_names_nobody_is_no_lone_rater(store: Engine) -> None:
    give_history(store)
    assert take(store, 1000, 100, 5, lambda _: {"client": None, "rater": None}) == ""


def test_all_reasons_are_told_at_once(store: Engine) -> None:
    give_history(store)
    said = take(store, 1000, 400, 5, lambda _: {**NAMED, "label": "yes", "predicted": "no"})
    assert said.count(";") == 3
