from typing import Any

import pytest

from tasks.sizing.layout import Layout, Recipe
from tasks.sizing.memory import Memory, largest_batch, memory_per_rank
from tasks.sizing.network import Network
from tests.tasks.sizing.networks import ALONE, BERT, make, make_load, sized

DDP = ALONE._replace(strategy="ddp", num_processes=8, num_nodes=2)
FSDP = DDP._replace(strategy="fsdp")


@pytest.fixture(scope="module")
def bert() -> Network:
    return sized(BERT, make_load())


def recipe(num_rows: int, **changes: Any) -> Recipe:
    return make_load().recipe(1)._replace(num_rows=num_rows, **changes)


def term(memory: Memory, name: str) -> int:
    return sum(one.num_bytes for one in memory.terms if one.name == name)


def test_a_real_networks_parameters_are_counted_and_each_layer_apart(bert: Network) -> None:
    real = make(BERT)
    assert bert.shape.num_params == sum(weight.numel() for weight in real.parameters())
    assert len(bert.shape.layers) == 4
    assert bert.shape.num_looked_up == 64 * (500 + 512 + 2)
    frozen = sized(BERT, make_load(), frozen_layers=3).shape
    assert frozen.trained_layers == (0, 0, 0, frozen.layers[3])
    assert frozen.num_trained == frozen.layers[3] + 3 * 64 + 3


def test_one_process_holds_sixteen_bytes_a_parameter_and_what_autograd_keeps(
    bert: Network,
) -> None:
    memory = memory_per_rank(bert, ALONE, recipe(2))
    assert memory.moment == "end of forward"
    kept = 2 * bert.activations.kept(False) + bert.activations.weight_copies
    assert memory.device_bytes == 16 * bert.shape.num_params + kept


def test_fsdp_divides_the_state_and_hybrid_only_inside_a_node(bert: Network) -> None:
    for layout, num_shards in ((FSDP, 8), (FSDP._replace(hybrid_shard=True), 4)):
        memory = memory_per_rank(bert, layout, recipe(1))
        shards = term(memory, "parameters") + term(memory, "optimizer state")
        assert shards == pytest.approx(12 * bert.shape.num_params / num_shards, rel=0.001)


def test_gathered_weights_that_stay_cost_all_of_them(bert: Network) -> None:
    memory = memory_per_rank(bert, FSDP._replace(reshard_after_forward=False), recipe(64))
    assert term(memory, "gathered weights") == 4 * bert.shape.num_params


def test_offloaded_state_lies_in_the_hosts_memory(bert: Network) -> None:
    on, off = (
        memory_per_rank(bert, FSDP._replace(cpu_offload=offload), recipe(4))
        for offload in (True, False)
    )
    assert off.host_bytes == 0
    assert on.host_bytes >= 12 * bert.shape.num_params / 8
    assert on.device_bytes < off.device_bytes


@pytest.mark.parametrize("layout", [ALONE, DDP, FSDP])
def test_checkpointing_and_half_precision_need_less(bert: Network, layout: Layout) -> None:
    plain = memory_per_rank(bert, layout, recipe(64)).device_bytes
    checkpointed = recipe(64, activation_checkpointing=True)
    assert memory_per_rank(bert, layout, checkpointed).device_bytes < plain
    half = sized(BERT, make_load("bf16-true"))
    assert memory_per_rank(half, layout, recipe(64, precision="bf16-true")).device_bytes < plain


@pytest.mark.parametrize("layout", [ALONE, DDP, FSDP])
def test_the_largest_batch_is_the_last_that_fits(bert: Network, layout: Layout) -> None:
    room = 64_000_000
    largest = largest_batch(bert, layout, recipe(1), room)
    assert memory_per_rank(bert, layout, recipe(largest)).device_bytes <= room
    assert memory_per_rank(bert, layout, recipe(largest + 1)).device_bytes > room
    assert largest_batch(bert, layout, recipe(1), 1000) == 0


def test_every_line_of_an_estimate_has_a_formula(bert: Network) -> None:
    for layout in (ALONE, DDP, FSDP):
        for num_rows in (1, 500):
            assert all(one.formula for one in memory_per_rank(bert, layout, recipe(num_rows)).terms)
