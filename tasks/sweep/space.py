"""The search space: from keys of params.yaml to a trial's values, and to the params with them."""

import copy
import difflib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from tasks.errors import ParamsError
from tasks.params import parse_section
from tasks.sweep.params import Choice, Dimension, FloatRange, Space, Value
from tasks.train.params import TrainParams

SECTION = "train"
MAX_EPOCHS = f"{SECTION}.learning.max_epochs"
_GROUPS = ("network", "learning")  # the others say where and how a training runs


class Suggests(Protocol):
    """The part of an Optuna trial that draws values."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool) -> float: ...
    def suggest_int(self, name: str, low: int, high: int, *, log: bool) -> int: ...
    def suggest_categorical(self, name: str, choices: list[Value]) -> Any: ...


def check_space(space: Space, train: TrainParams) -> None:
    """ParamsError, in one line, for a key that is none or a value its key does not take."""
    known = list(_keys(train))
    for key, dimension in space.items():
        if key == MAX_EPOCHS:
            raise ParamsError(f"sweep.space: {key} is Hyperband's to choose. Remove it there.")
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1) or [f"one of {', '.join(known)}"]
            raise ParamsError(f"sweep.space: {key} cannot be searched. Meant: {near[0]}?")
        for value in _extremes(dimension):
            try:
                with_values(train, {key: value})
            except ParamsError as error:
                raise ParamsError(f"sweep.space: {error}") from None


def suggest(trial: Suggests, space: Space) -> dict[str, Value]:
    """A trial's value for each key; the same again when the trial has drawn them before."""
    return {key: _draw(trial, key, dimension) for key, dimension in space.items()}


def with_values(train: TrainParams, values: Mapping[str, Value]) -> TrainParams:
    """The params with these values at their dotted keys, checked as if they stood in the file."""
    tree = copy.deepcopy(train.model_dump())
    for key, value in values.items():
        _, group, name = key.split(".")
        tree[group][name] = value
    return parse_section(SECTION, tree, TrainParams)


def as_assignments(values: Mapping[str, Value]) -> list[str]:
    """`key=value` as a run of the graph takes it; JSON is YAML, and leaves no text in doubt."""
    return [f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]


def _keys(train: TrainParams) -> Iterator[str]:
    for group in _GROUPS:
        yield from (f"{SECTION}.{group}.{name}" for name in getattr(train, group).model_dump())


def _extremes(dimension: Dimension) -> list[Value]:
    if isinstance(dimension, Choice):
        return dimension.choices
    return [dimension.low, dimension.high]


def _draw(trial: Suggests, key: str, dimension: Dimension) -> Value:
    if isinstance(dimension, Choice):
        chosen: Value = trial.suggest_categorical(key, dimension.choices)
        return chosen
    if isinstance(dimension, FloatRange):
        return trial.suggest_float(key, dimension.low, dimension.high, log=dimension.log)
    return trial.suggest_int(key, dimension.low, dimension.high, log=dimension.log)
