"""The strategy says where the network lies, not what is learnt: one curve, one set of weights."""

from pathlib import Path
from typing import Any

import pytest
import torch

from tasks.errors import GateError
from tests.tasks.train.ranks import Outcome, train_in_ranks
from tests.tasks.train.workspace import write_workspace

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
# Sums of floats in another order: after 24 steps at a learning rate of 0.01 the weights of one and
# of two processes differ by some 1e-6, and so would those of a mistake in weighing rows by 1e-2.
TOLERANCE = 2e-5
# Softmax does not see what is added to all keys alike: the true gradient of these is 0, and Adam
# makes steps of the noise that floats leave there.
UNDETERMINED = "attention.self.key.bias"
# an odd number of rows, so that the last batch of an epoch is smaller and unevenly dealt out
PLAIN = {"num_rows": 61, "encoder_dropout": 0.0, "head_dropout": 0.0}


def train(folder: Path, strategy: str, devices: int, **changes: Any) -> Outcome:
    changes = {**PLAIN, **changes}
    return train_in_ranks(write_workspace(folder, strategy=strategy, devices=devices, **changes))


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return train(tmp_path_factory.mktemp("alone"), "single", 1)


def assert_same(one: Outcome, other: Outcome) -> None:
    for first, second in zip(one.history[1:], other.history[1:], strict=True):
        assert [*map(float, first.split(","))] == pytest.approx(
            [*map(float, second.split(","))], abs=TOLERANCE
        )
    assert one.weights.keys() == other.weights.keys()
    for name, weight in one.weights.items():
        if not name.endswith(UNDETERMINED):
            assert torch.allclose(weight, other.weights[name], rtol=0, atol=TOLERANCE), name


@pytest.mark.parametrize(
    ("strategy", "devices", "changes"),
    [
        ("ddp", 2, {}),
        ("fsdp", 2, {}),
        ("fsdp", 4, {}),
        ("fsdp", 1, {}),
        ("single", 1, {"gradient_accumulation": 2}),
        ("ddp", 2, {"gradient_accumulation": 2}),
        ("fsdp", 2, {"gradient_accumulation": 2}),
        ("fsdp", 2, {"reshard_after_forward": False}),
        ("fsdp", 2, {"activation_checkpointing": True}),
        ("single", 1, {"activation_checkpointing": True}),
    ],
)
def test_every_strategy_learns_the_same(
    alone: Outcome, tmp_path: Path, strategy: str, devices: int, changes: dict[str, Any]
) -> None:
    assert_same(alone, train(tmp_path, strategy, devices, **changes))


def test_frozen_layers_stay_as_they_were(tmp_path: Path) -> None:
    alone, sharded = (
        train(tmp_path / name, name, devices, frozen_layers=1)
        for name, devices in (("single", 1), ("fsdp", 2))
    )
    assert_same(alone, sharded)
    assert sharded.metrics["trained_parameters"] < sharded.metrics["parameters"]


def test_bf16_under_fsdp_stays_near_one_process(tmp_path: Path) -> None:
    """Autocast rounds products to 8 bits, so the order of sums shows in the third digit."""
    alone, sharded = (
        train(tmp_path / name, name, devices, precision="bf16-mixed", max_epochs=1)
        for name, devices in (("single", 1), ("fsdp", 2))
    )
    losses = [float(outcome.history[1].split(",")[2]) for outcome in (alone, sharded)]
    assert losses[0] == pytest.approx(losses[1], abs=5e-3)


@pytest.mark.parametrize("devices", [2, 4])
def test_each_process_of_fsdp_holds_its_part(alone: Outcome, tmp_path: Path, devices: int) -> None:
    sharded = train(tmp_path, "fsdp", devices, max_epochs=1)
    for part in ("parameters", "gradients", "optimizer_state"):
        whole = alone.metrics[f"{part}_bytes_per_process"]
        assert sharded.metrics[f"{part}_bytes_per_process"] <= 1.1 * whole / devices
    assert alone.metrics["optimizer_state_bytes_per_process"] == 8 * alone.metrics["parameters"]


def test_training_stops_early_in_all_processes(tmp_path: Path) -> None:
    outcome = train(
        tmp_path, "fsdp", 2, max_epochs=9, patience_epochs=1, learning_rate=1e-9,
        head_learning_rate=1e-9, choose_epoch_by="macro_f1",
    )  # fmt: skip  # steps this small lower the loss in its sixth digit, and change no label
    assert len(outcome.history) == 1 + 2
    assert outcome.metrics["epochs"] == 2


def poison_second_process(work: Path) -> None:
    """Its loss, and nothing else, is not a number at the third step."""
    import os  # noqa: PLC0415

    from tasks.train import module  # noqa: PLC0415

    if os.environ["RANK"] == "0":
        return
    real, calls = module.soft_cross_entropy, []

    def soft_cross_entropy(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        return real(logits, target) * (torch.nan if len(calls) == 3 else 1)

    module.soft_cross_entropy = soft_cross_entropy


@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
def test_a_loss_that_is_not_finite_stops_all_and_names_rank_and_batch(
    tmp_path: Path, strategy: str
) -> None:
    folder = write_workspace(tmp_path, strategy=strategy, devices=2)
    with pytest.raises(GateError, match=r"the loss at step 2 is not a number in rank 1;.*0000"):
        train_in_ranks(folder, poison_second_process)
    reports = sorted(folder.glob("models/.train.unfinished/*/failure-*.json"))
    assert len(reports) == 2  # neither waited for the other
    assert not (folder / "models/train").exists()
