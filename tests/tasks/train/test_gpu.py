"""What only a GPU shows: the same training there, offloading, bf16 weights, compiled layers."""

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.tasks.train.ranks import Outcome, read_outcome, train_in_ranks
from tests.tasks.train.workspace import train_apart, write_workspace

NO_GPU = "NOT TESTED: torch sees no GPU here. Run `pytest -m gpu -rs` on a machine that has one."
pytestmark = [
    pytest.mark.slow,
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason=NO_GPU),
]
CALM = {"encoder_dropout": 0.0, "head_dropout": 0.0, "num_rows": 61}


def learn(folder: Path, **changes: Any) -> Outcome:
    """By torchrun and NCCL where the strategy is not single."""
    status, output = train_apart(write_workspace(folder, devices=1, **{**CALM, **changes}))
    assert status == 0, output
    return read_outcome(folder / "models/train")


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return learn(tmp_path_factory.mktemp("alone"), strategy="single")


@pytest.mark.parametrize(
    "changes",
    [
        {"strategy": "ddp"},
        {"strategy": "fsdp"},
        {"strategy": "fsdp", "cpu_offload": True},
        {"strategy": "fsdp", "activation_checkpointing": True},
        {"strategy": "single", "compile": True},
        {"strategy": "fsdp", "compile": True},
    ],
    ids=str,
)
def test_every_strategy_learns_the_same(
    alone: Outcome, tmp_path: Path, changes: dict[str, Any]
) -> None:
    outcome = learn(tmp_path, **changes)
    for name in ("validation_loss", "validation_macro_f1"):
        assert outcome.metrics[name] == pytest.approx(alone.metrics[name], abs=1e-3)


@pytest.mark.parametrize("precision", ["bf16-mixed", "bf16-true"])
@pytest.mark.parametrize("strategy", ["single", "fsdp"])
def test_bf16_learns_too(tmp_path: Path, strategy: str, precision: str) -> None:
    outcome = learn(tmp_path, strategy=strategy, precision=precision)
    assert outcome.metrics["validation_macro_f1"] > 0.9
    width = 2 if precision == "bf16-true" else 4
    assert outcome.metrics["parameters_bytes_per_process"] == width * outcome.metrics["parameters"]


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason=f"{NO_GPU} This one wants two.")
def test_two_gpus_share_the_state(alone: Outcome, tmp_path: Path) -> None:
    outcome = train_in_ranks(write_workspace(tmp_path, strategy="fsdp", devices=2, **CALM))
    whole = alone.metrics["optimizer_state_bytes_per_process"]
    assert outcome.metrics["optimizer_state_bytes_per_process"] <= 1.1 * whole / 2
