"""Estimates beside the memory of real processes, as `make bench-plan` compares them."""

from pathlib import Path

import pytest

from benchmarks.plan_jobs import Case, estimate_peak, measure_peak
from tasks.sizing.layout import Strategy
from tests.tiny_model import write_tiny_encoder

pytestmark = pytest.mark.slow
FIELDS = {
    "vocab_size": 8000, "hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4,
    "intermediate_size": 1024,
}  # fmt: skip


@pytest.mark.parametrize(("strategy", "devices"), [("single", 1), ("ddp", 2), ("fsdp", 2)])
def test_the_estimate_is_what_a_real_process_needs(
    tmp_path: Path, strategy: Strategy, devices: int
) -> None:
    write_tiny_encoder(tmp_path / "tokenizer")
    changes = {
        "strategy": strategy, "devices": devices, "frozen_layers": None, "batch_size": 16,
        "max_tokens": 64, "precision": "bf16-mixed", "threads": 1,
    }  # fmt: skip
    case = Case(FIELDS, changes)
    measured = measure_peak(tmp_path, case, tmp_path / "tokenizer")
    assert estimate_peak(case).device_bytes == pytest.approx(measured, rel=0.15)
