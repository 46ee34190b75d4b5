"""The budget on a real server: by what was measured, before that by the planner or a guess."""

from pathlib import Path

import pytest
import yaml

from tasks.artifacts import write_json
from tasks.params import load_params
from tasks.train.params import TrainParams
from tests.flows.nights import Nights, make_nights
from tests.project import REPOSITORY

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server")]


@pytest.fixture
def nights(tmp_path: Path) -> Nights:
    return make_nights(tmp_path / "checkout")


def plan(nights: Nights, seconds: float) -> None:
    """As `python -m tasks.plan --calibrate` leaves it, for a graph with the shipped training."""
    file = nights.folder / "params.yaml"
    whole = yaml.safe_load((REPOSITORY / "params.yaml").read_text("utf-8"))
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | {"train": whole["train"]}))
    train = load_params("train", TrainParams, file).model_dump(mode="json")
    option = {"where": "here: CPU", "throughput": "measured", "seconds": seconds}
    page = {"train": train, "options": [option]}
    write_json(nights.folder / ".run/plan/plan.json", {"configured": page})


def test_the_budget_is_kept(nights: Nights) -> None:
    budget = {"days": 7.0, "hours": 1.5, "dollars": 4.5, "dollars_per_hour": 3.0,
              "first_hours": 1.0, "num_measured": 1}  # fmt: skip
    nights.set("retrain_policy", budget=budget)
    nights.night()
    (training,) = nights.trainings()
    assert training.dollars == pytest.approx(training.seconds / 3600 * 3.0)
    assert training.started.expected_dollars == 3.0
    nights.set("retrain_policy", budget=budget | {"dollars": 0.0001})
    nights.add(5)
    assert "0.00 dollars may be" in nights.night()
    assert nights.num_trained == 1


def test_the_first_training_is_expected_to_take_what_the_planner_says(nights: Nights) -> None:
    plan(nights, seconds=90_000.0)
    assert "with the next training 25.00 h and 0.00 dollars would be spent" in nights.night()
    assert nights.num_trained == 0
    plan(nights, seconds=1800.0)
    nights.night()
    (training,) = nights.trainings()
    assert training.started.expected_seconds == 1800.0
