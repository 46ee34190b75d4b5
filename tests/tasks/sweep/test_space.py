from typing import Any

import optuna
import pytest
import yaml

from tasks.errors import ParamsError
from tasks.params import load_params, parse_section
from tasks.sweep.params import Space, SweepParams
from tasks.sweep.space import as_assignments, check_space, suggest, with_values
from tasks.train.params import TrainParams
from tests.project import REPOSITORY

PARAMS = REPOSITORY / "params.yaml"
RATE = "train.learning.learning_rate"


@pytest.fixture
def train() -> TrainParams:
    return load_params("train", TrainParams, PARAMS)


def space(**dimension: Any) -> Space:
    """The shipped sweep with one key's dimension."""
    key = dimension.pop("key", RATE)
    tree = yaml.safe_load(PARAMS.read_text())["sweep"] | {"space": {key: dimension}}
    return parse_section("sweep", tree, SweepParams).space


@pytest.mark.parametrize(
    ("dimension", "said"),
    [
        ({"low": 2.0, "high": 1.0, "log": True}, "low = 2.0 must be below high = 1.0"),
        ({"low": 0.0, "high": 1.0, "log": True}, "low = 0.0 must be above 0 where log is true"),
        ({"low": 0.1, "high": 1.0, "log": True, "step": 1}, "step is not a known key"),
    ],
)
def test_a_range_that_is_none_is_refused(dimension: dict[str, Any], said: str) -> None:
    with pytest.raises(ParamsError, match=rf"^[^\n]*{RATE}.*{said}[^\n]*$"):
        space(kind="float", **dimension)


@pytest.mark.parametrize(
    ("dimension", "said"),
    [
        (
            {"key": "train.learning.learnin_rate", "kind": "choice", "choices": [1.0]},
            "learnin_rate cannot be searched. Meant: train.learning.learning_rate",
        ),
        ({"key": "train.run.seed", "kind": "choice", "choices": [1]}, "cannot be searched"),
        ({"key": "train.learning.max_epochs", "kind": "choice", "choices": [1]}, "Hyperband's"),
        ({"kind": "float", "low": -1.0, "high": 1.0, "log": False}, "learning_rate = -1.0"),
        ({"kind": "choice", "choices": [1e-3, "much"]}, "learning_rate = 'much'"),
        (
            {"key": "train.learning.batch_size", "kind": "float", "low": 8, "high": 9,
             "log": False},
            "batch_size = 8.0",
        ),
    ],
)  # fmt: skip
def test_a_key_or_value_that_train_does_not_take_is_one_clear_line(
    train: TrainParams, dimension: dict[str, Any], said: str
) -> None:
    with pytest.raises(ParamsError, match=rf"^sweep\.space: [^\n]*{said}[^\n]*$"):
        check_space(space(**dimension), train)


def test_the_shipped_space_is_one_that_train_takes(train: TrainParams) -> None:
    check_space(load_params("sweep", SweepParams, PARAMS).space, train)


def test_a_trial_draws_once_within_the_space_and_then_keeps_its_values() -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(0))
    searched = load_params("sweep", SweepParams, PARAMS).space
    trial = study.ask()
    values = suggest(trial, searched)
    assert list(values) == list(searched)
    assert suggest(trial, searched) == values
    assert suggest(study.ask(), searched) != values


def test_values_go_to_their_keys_and_nothing_else_changes(train: TrainParams) -> None:
    values = {RATE: 3e-5, "train.network.frozen_layers": None}
    changed = with_values(train, values)
    assert (changed.learning.learning_rate, changed.network.frozen_layers) == (3e-5, None)
    back = {RATE: train.learning.learning_rate, "train.network.frozen_layers": 0}
    assert with_values(changed, back) == train


def test_assignments_are_overrides_of_a_run_with_the_same_values() -> None:
    values = {RATE: 1.25e-05, "train.network.frozen_layers": None, "train.network.encoder": "1e5"}
    set_back = {
        key: yaml.safe_load(value)
        for key, _, value in (line.partition("=") for line in as_assignments(values))
    }
    assert set_back == values
