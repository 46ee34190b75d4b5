from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from tasks.sizing.compute import (
    Speed,
    Traffic,
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
    assert traffic == [Traffic(volume * own, 0.0) for volume in (0, 2, 3, 2)]


def test_between_nodes_a_hybrid_moves_its_shards_gradients_alone() -> None:
    shape = sized(BERT, make_load()).shape
    fsdp = ALONE._replace(strategy="fsdp", num_processes=8, num_nodes=2)
    hybrid = traffic_per_step(shape, fsdp._replace(hybrid_shard=True), "fp32")
    weights = 4 * shape.num_params
    assert traffic_per_step(shape, fsdp, "fp32") == Traffic(0.0, 3 * weights * 7 / 8)
    assert hybrid == Traffic(3 * weights * 3 / 4, weights / 4)


def test_the_slower_of_computing_and_sending_decides() -> None:
    speed = Speed(100.0, inside_bytes_per_second=10.0, between_bytes_per_second=1.0)
    assert step_seconds(1000.0, Traffic(50.0, 0.0), speed) == 10.0
    assert step_seconds(1000.0, Traffic(50.0, 20.0), speed) == 25.0
    alone = speed._replace(inside_bytes_per_second=0.0, between_bytes_per_second=0.0)
    assert step_seconds(1000.0, Traffic(0.0, 0.0), alone) == 10.0


def test_computing_activations_again_is_one_more_forward_pass() -> None:
    assert recompute_factor(False) == 1
    assert recompute_factor(True) == pytest.approx(4 / 3)
