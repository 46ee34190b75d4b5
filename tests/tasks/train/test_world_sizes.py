"""A sharded training goes on where it stood, on as many processes or on another number."""

import functools
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch

from tasks.train.checkpoint import BEST, LAST, find_newest
from tasks.train.consolidate import main as consolidate
from tasks.train.sharded import FolderCheckpoints
from tests.tasks.train.ranks import Outcome, run_ranks, train_in_ranks
from tests.tasks.train.test_strategies import assert_same
from tests.tasks.train.workspace import write_params, write_workspace

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
CALM = {"num_rows": 61, "encoder_dropout": 0.0, "head_dropout": 0.0}
LIVELY = {"num_rows": 61, "encoder_dropout": 0.1, "head_dropout": 0.1}


def stop_after(num_saves: int, work: Path) -> None:
    """In every process, the n-th save of `last` is the end, as a kill right after it would be."""
    save, saves = FolderCheckpoints.save_checkpoint, []

    def save_and_stop(self: FolderCheckpoints, state: Any, path: Any, **options: Any) -> None:
        save(self, state, path, **options)
        if Path(path).name.startswith(LAST):
            saves.append(path)
            if len(saves) == num_saves:
                raise SystemExit(3)

    FolderCheckpoints.save_checkpoint = save_and_stop  # type: ignore[method-assign]


def stopped(folder: Path, num_saves: int, devices: int, **changes: Any) -> Path:
    """A workspace with an interrupted training; returns its work folder."""
    strategy = "fsdp" if devices > 1 else "single"
    write_workspace(folder, strategy=strategy, devices=devices, **changes)
    work, exit_codes = run_ranks(folder, functools.partial(stop_after, num_saves))
    assert set(exit_codes) != {0}
    assert find_newest(work, LAST)
    return work


def resumed(folder: Path, devices: int, **changes: Any) -> Outcome:
    changes.pop("num_rows")
    strategy = "fsdp" if devices > 1 else "single"
    write_params(folder, strategy=strategy, devices=devices, **changes)
    outcome = train_in_ranks(folder)
    assert "resuming from" in outcome.log
    return outcome


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    folder = tmp_path_factory.mktemp("undisturbed")
    return train_in_ranks(write_workspace(folder, strategy="fsdp", devices=2, **LIVELY))


@pytest.mark.parametrize("num_saves", [3, 7, 12])  # in mid-epoch, before and after a validation
def test_on_as_many_processes_it_ends_in_the_same_bytes(
    undisturbed: Outcome, tmp_path: Path, num_saves: int
) -> None:
    stopped(tmp_path, num_saves, 2, **LIVELY)
    outcome = resumed(tmp_path, 2, **LIVELY)
    assert outcome.file == undisturbed.file
    assert outcome.history == undisturbed.history


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return train_in_ranks(write_workspace(tmp_path_factory.mktemp("calm"), **CALM))


@pytest.mark.parametrize(("before", "after"), [(2, 1), (1, 2), (2, 4)])
def test_on_another_number_it_learns_the_same(
    calm: Outcome, tmp_path: Path, before: int, after: int
) -> None:
    stopped(tmp_path, 10, before, **CALM)
    assert_same(calm, resumed(tmp_path, after, **CALM))


def test_the_same_weights_make_the_same_file_however_they_were_sharded(tmp_path: Path) -> None:
    """With a learning rate that moves nothing, all end in the weights they began with."""
    still = {**CALM, "learning_rate": 1e-45, "head_learning_rate": 1e-45, "max_epochs": 1}
    files = {
        train_in_ranks(
            write_workspace(tmp_path / f"{strategy}{devices}", strategy=strategy, devices=devices,
                            **still)
        ).file
        for strategy, devices in (("single", 1), ("ddp", 2), ("fsdp", 2), ("fsdp", 4))
    }  # fmt: skip
    assert len(files) == 1


def test_a_person_can_consolidate_what_a_training_left(tmp_path: Path, calm: Outcome) -> None:
    work = stopped(tmp_path, 9, 2, **CALM)
    best = find_newest(work, BEST)
    assert best
    by_hand = consolidate(best).read_bytes()
    assert consolidate(work).read_bytes() == by_hand  # of a folder of them, the best
    weights = safetensors.torch.load(by_hand)
    assert {name: value.shape for name, value in weights.items()} == {
        name: value.shape for name, value in calm.weights.items()
    }
