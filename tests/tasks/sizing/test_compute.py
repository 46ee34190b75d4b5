from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from tasks.sizing.compute import (
    Speed,
    flops_per_token,
    recompute_factor,
    step_seconds,
    traffic_per_step,
)
from tests.tasks.sizing.networks import ALONE, BERT, LLAMA, make, make_load, sized

ROWS, TOKENS = 3, 48


@pytest.mark.parametrize("frozen_layers", [None, 0, 2])
@pytest.mark.parametrize("fields", [BERT, LLAMA], ids=["bert", "llama"])
def test_it_is_the_arithmetic_that_a_real_step_does(
    fields: dict[str, Any], frozen_layers: int | None
) -> None:
    """Beside torch's own counter; the input of the lowest trained layer wants no gradient."""
    network = make(fields, frozen_layers)
    with FlopCounterMode(display=False) as counter:
        ids = torch.zeros((ROWS, TOKENS), dtype=torch.int64)
        network(ids, torch.ones_like(ids)).sum().backward()
    shape = sized(fields, make_load(), frozen_layers).shape
    estimate = ROWS * TOKENS * flops_per_token(shape, hidden_size=64, num_tokens=TOKENS)
    assert estimate == pytest.approx(counter.get_total_flops(), rel=0.12)


def test_ddp_moves_two_and_stage_three_three_times_the_parameters() -> None:
    """ZeRO paper, section 7, with 4 bytes a parameter, all but the rank's own part."""
    shape = sized(BERT, make_load()).shape
    ddp = ALONE._replace(strategy="ddp", num_processes=4)
    fsdp = ddp._replace(strategy="fsdp")
    kept = fsdp._replace(reshard_after_forward=False)
    traffic = [traffic_per_step(shape, layout, "fp32") for layout in (ALONE, ddp, fsdp, kept)]
    own = 4 * shape.num_params * (1 - 1 / 4)
    assert traffic == [0, 2 * own, 3 * own, 2 * own]


def test_the_slower_of_computing_and_sending_decides() -> None:
    speed = Speed(flops_per_second=100.0, bytes_per_second=10.0)
    assert step_seconds(1000.0, 50.0, speed) == 10.0
    assert step_seconds(1000.0, 500.0, speed) == 50.0
    assert step_seconds(1000.0, 0.0, speed._replace(bytes_per_second=0.0)) == 10.0


def test_computing_activations_again_is_one_more_forward_pass() -> None:
    assert recompute_factor(False) == 1
    assert recompute_factor(True) == pytest.approx(4 / 3)
